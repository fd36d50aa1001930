/** A log of any size is read in a memory of its own size. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lineOf } from "../consume/support.ts";
import { TestLog } from "./support.ts";

let log: TestLog;
beforeEach(() => {
  log = new TestLog();
});
afterEach(() => log[Symbol.dispose]());

test.each([
  ["300 MB of lines", "lines", 300_000, {}],
  ["a gigabyte without a line's end", "hole", 2, { damaged: 1 }],
] as const)(
  "%s takes no such memory",
  async (_what, kind, lineCount, counts) => {
    if (kind === "lines") writeLines(300_000);
    else {
      writeFileSync(log.file, lineOf(0, 0));
      truncateSync(log.file, 1_500_000_000);
      appendFileSync(log.file, "\n");
    }
    const script = `
      const { verify } = await import(${JSON.stringify(join(import.meta.dir, "../../src/verify/index.ts"))});
      const before = process.memoryUsage.rss();
      let most = before;
      const timer = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()); }, 10);
      const { findings, lines } = await verify({ logFile: ${JSON.stringify(log.file)}, client: undefined, isComplete: false, allowsGaps: false });
      clearInterval(timer);
      console.log(JSON.stringify({ counts: findings.counts, lines, grownMb: (most - before) / 1e6 }));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
    const said = JSON.parse(await new Response(child.stdout).text()) as { lines: number; grownMb: number };
    expect(said).toMatchObject({ counts, lines: lineCount });
    expect(said.grownMb).toBeLessThan(kind === "lines" ? 150 : 600);
  },
  60_000,
);

function writeLines(count: number): void {
  const fill = "x".repeat(900);
  writeFileSync(log.file, "");
  for (let offset = 0; offset < count; ) {
    let text = "";
    for (let i = 0; i < 10_000; i++)
      text += `{"partition":0,"offset":${offset++},"timestamp":1,"topic":"events","id":null,"key":null,"value":"${fill}"}\n`;
    appendFileSync(log.file, text);
  }
}
