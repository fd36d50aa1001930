/**
 * `bun run bench --check-readme`: the README's oha commands, as they stand there, against a real serve and a real Kafka. Only the address
 * and the duration are others, and the report is asked for as JSON. Where oha is missing this fails and says how to come by it.
 */
import { dirname, join } from "node:path";
import type { benchOptions } from "../../src/options/bench.ts";
import type { Values } from "../../src/options/core.ts";
import { temporaryFolder } from "./at-end.ts";
import { cleanEnvironment } from "./child.ts";
import { startKafka } from "./kafka.ts";
import { findOha, type Oha, readReport, sum } from "./oha.ts";
import { serveOf } from "./servers.ts";
import { HERE, PROJECT_FOLDER } from "./trees.ts";

export const README_ADDRESS = "http://127.0.0.1:8000";

/** The shell blocks of that section, without their prompts; a block is run as one. */
export function blocksWith(command: string, markdown: string, heading: string): string[] {
  const section = markdown.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .map((match) => match[1]!)
    .filter((block) => block.includes(command));
}

/** Another address, a second each, and JSON: everything else stays. */
export function shortened(block: string, url: string, jsonFlags: readonly string[]): string {
  return block
    .replaceAll(README_ADDRESS, url)
    .replaceAll(/^oha(?= )/gm, `oha --no-tui ${jsonFlags.join(" ")}`)
    .replaceAll(/ -z \d+s\b/g, " -z 1s")
    .replaceAll(/ -n \d+\b/g, " -n 1000");
}

export async function checkReadme(options: Values<typeof benchOptions>, say: (line: string) => void): Promise<number> {
  const oha = findOha();
  const blocks = blocksWith("oha ", await Bun.file(join(PROJECT_FOLDER, "README.md")).text(), "Benchmarks");
  const kafka = await startKafka(options.kafkaBrokers, say);
  const topic = await kafka.createTopic(4);
  const { child, url } = await serveOf(HERE).start({ brokers: kafka.brokers, topic });
  const folder = temporaryFolder("readme");
  let failures = blocks.length === 0 ? 1 : 0;
  for (const block of blocks) {
    const problem = await run(shortened(block, url, oha.jsonFlags), oha, folder.path);
    if (problem !== undefined) failures++;
    say(
      `${problem === undefined ? "works" : "FAILS"}: ${block.trim()}${problem === undefined ? "" : `\n  ${problem}`}`,
    );
  }
  const code = await child.stop();
  await kafka.stop();
  folder.remove();
  say(`${blocks.length - failures} of the README's ${blocks.length} oha commands work`);
  return failures === 0 && code === 0 ? 0 : 1;
}

/** What is wrong, if something is. */
async function run(script: string, oha: Oha, cwd: string): Promise<string | undefined> {
  const environment = cleanEnvironment();
  const shell = Bun.spawn(["sh", "-e", "-c", script], {
    cwd,
    env: { ...environment, PATH: `${dirname(oha.path)}:${environment.PATH ?? ""}` },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, code] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited]);
  if (code !== 0) return `exit ${code}: ${errors.trim()}`;
  const { statuses, errors: failed } = readReport(output);
  const good = (statuses["200"] ?? 0) + (statuses["202"] ?? 0);
  // What is under way when the time is over, oha breaks off.
  const isBrokenOff = Object.keys(failed).every((reason) => reason.includes("deadline"));
  return good > 0 && good === sum(statuses) && isBrokenOff ? undefined : JSON.stringify({ statuses, failed });
}
