import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeCheckpoint } from "../../src/consume/checkpoint.ts";
import { type Compression, closedPath } from "../../src/consume/closed-files.ts";
import { finishClosing } from "../../src/consume/closing.ts";
import { manifestPath } from "../../src/consume/manifest.ts";
import { verdictAsJson, verdictAsText, verify } from "../../src/verify/index.ts";
import { lineOf, TestFolder } from "../consume/support.ts";

const identity = { clusterId: "c1", topic: "events", topicId: "t1" };
let folder: TestFolder;
let logFile: string;
beforeEach(() => {
  folder = new TestFolder();
  logFile = folder.file("consumer.log");
});
afterEach(() => folder[Symbol.dispose]());

/** Lines of two partitions by turns, these offsets of each. */
const lines = (from: number, to: number) =>
  Array.from(
    { length: to - from },
    (_, i) => lineOf(0, from + i, `"${"x".repeat(i % 50)}"`) + lineOf(1, from + i),
  ).join("");

async function close(sequence: number, text: string, compression: Compression | null = null): Promise<string> {
  const path = closedPath(logFile, sequence, Date.UTC(2026, 0, 1));
  writeFileSync(path, text);
  await finishClosing({ logFile, identity, compression, keep: undefined, isSynced: false });
  return path + (compression === "gzip" ? ".gz" : compression === "zstd" ? ".zst" : "");
}

function checkpoint(offsets: readonly (readonly [number, number])[], validBytes = statSync(logFile).size): void {
  writeCheckpoint(logFile, { identity, offsets: new Map(offsets), validBytes, sequence: 9 });
}

const run = (over: { allowsGaps?: boolean } = {}) =>
  verify({ logFile, client: undefined, isComplete: false, allowsGaps: false, ...over });

/** Three closed files and a live one, all as they should be. */
async function cleanLog(): Promise<string[]> {
  const closed = [
    await close(1, lines(0, 100)),
    await close(2, lines(100, 200), "gzip"),
    await close(3, lines(200, 300), "zstd"),
  ];
  writeFileSync(logFile, lines(300, 400));
  checkpoint([
    [0, 399],
    [1, 399],
  ]);
  return closed;
}

test("a clean log is clean, over all its files", async () => {
  await cleanLog();
  const verdict = await run();
  expect(verdict.findings.places).toEqual([]);
  expect(verdict.findings.isClean).toBe(true);
  expect(verdict).toMatchObject({ files: 4, lines: 800 });
  expect(verdict.partitions.get(1)).toMatchObject({
    lines: 400,
    firstOffset: 0,
    lastOffset: 399,
    missing: 0,
    behind: null,
  });
  expect(verdictAsText(verdict)).toContain("CLEAN");
  expect(JSON.parse(verdictAsJson(verdict))).toMatchObject({ clean: true, lines: 800, counts: {} });
});

test("each kind of damage is found, with its place", async () => {
  await cleanLog();
  const text = lines(300, 310);
  const cases: [string, string, Record<string, number>][] = [
    ["a line that is not there", text.replace(lineOf(1, 305), ""), { missing: 1 }],
    ["a line that is there twice", text + lineOf(0, 309, '""'), { duplicated: 1 }],
    ["a line of another file again", text + lineOf(1, 5), { duplicated: 1 }],
    ["a line that comes late", text.replace(lineOf(1, 303), "") + lineOf(1, 303), { out_of_order: 1 }],
    ["a broken line", text.replace(lineOf(1, 303), `${lineOf(1, 303).slice(0, -4)}\n`), { damaged: 1 }],
    ["a block of NULs", `${text}${"\0".repeat(100)}\n`, { damaged: 1 }],
    [
      "an unfinished line, which no checkpoint vouches for",
      text + lineOf(0, 310).slice(0, -1),
      { damaged: 1, checkpoint: 1 },
    ],
    ["a foreign line", `${text}{"note":1}\n`, { foreign: 1 }],
    ["an empty line", `${text}\n`, { damaged: 1 }],
  ];
  for (const [what, live, counts] of cases) {
    writeFileSync(logFile, live);
    checkpoint([
      [0, 309],
      [1, 309],
    ]);
    const { findings } = await run();
    expect([what, findings.counts]).toEqual([what, counts]);
    expect(verdictAsText(await run())).toContain("NOT CLEAN");
  }
  writeFileSync(logFile, text.replace(lineOf(1, 305), ""));
  checkpoint([
    [0, 309],
    [1, 309],
  ]);
  expect((await run()).findings.places).toEqual([
    { kind: "missing", partition: 1, offsets: { first: 305, last: 305 }, detail: expect.any(String) },
  ]);
  expect((await run({ allowsGaps: true })).findings.isClean).toBe(true);
  writeFileSync(logFile, `${text}${lineOf(0, 301)}`);
  checkpoint([
    [0, 309],
    [1, 309],
  ]);
  expect((await run()).findings.places[0]).toMatchObject({ file: "consumer.log", line: 21, byte: text.length });
});

test("a closed file that is not as its manifest says, or cannot be read", async () => {
  const [plain = "", gzip = "", zstd = ""] = await cleanLog();
  const spoil = async (path: string, change: (bytes: Buffer) => Buffer) => {
    const before = readFileSync(path);
    writeFileSync(path, change(Buffer.from(before)));
    const { findings } = await run({ allowsGaps: true });
    writeFileSync(path, before);
    return Object.keys(findings.counts);
  };
  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at]! ^= 1;
    return bytes;
  };
  // A digit inside a value: only the checksum knows.
  const text = readFileSync(plain, "utf8");
  expect(await spoil(plain, () => Buffer.from(text.replace('"value":1', '"value":2')))).toEqual(["manifest"]);
  expect(await spoil(plain, (bytes) => bytes.subarray(0, text.indexOf("\n") + 1))).toEqual(["manifest"]);
  expect(await spoil(gzip, (bytes) => bytes.subarray(0, bytes.length - 20))).toContain("file");
  expect(await spoil(zstd, (bytes) => bytes.subarray(0, bytes.length - 20))).toContain("file");
  expect((await spoil(gzip, flip(200))).length).toBeGreaterThan(0);
  expect((await spoil(zstd, flip(200))).length).toBeGreaterThan(0);
  expect(await spoil(manifestPath(plain), () => Buffer.from("{}"))).toEqual(["manifest"]);
  rmSync(manifestPath(gzip));
  expect((await run()).findings.counts).toEqual({ manifest: 1 });
});

test("a checkpoint that does not hold", async () => {
  await cleanLog();
  checkpoint([
    [0, 399],
    [1, 450],
  ]);
  expect((await run()).findings.counts).toEqual({ checkpoint: 1 });
  checkpoint(
    [
      [0, 399],
      [1, 399],
    ],
    statSync(logFile).size + 10,
  );
  expect((await run()).findings.counts).toEqual({ checkpoint: 1 });
  checkpoint(
    [
      [0, 399],
      [1, 399],
    ],
    7,
  );
  expect((await run()).findings.counts).toEqual({ checkpoint: 1 });
  writeFileSync(`${logFile}.checkpoint`, "garbage");
  expect((await run()).findings.counts).toEqual({ checkpoint: 1 });
});

test("no log is an error, an empty one is clean", async () => {
  expect(run()).rejects.toThrow("there is no log");
  writeFileSync(logFile, "");
  expect((await run()).findings.isClean).toBe(true);
});

test("five hundred mutations: it never throws, and never says clean where a closed file's bytes have changed", async () => {
  const path = await close(1, lines(0, 200));
  writeFileSync(logFile, lines(200, 220));
  const clean = readFileSync(path);
  for (let seed = 1; seed <= 500; seed++) {
    let state = seed * 2_654_435_761;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const bytes = Buffer.from(clean);
    const at = random(bytes.length);
    const mutated = [
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(300))]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length), bytes.length)]),
      () => {
        bytes[at] = random(256);
        return bytes;
      },
      () => Buffer.concat([bytes.subarray(0, at), Buffer.from([random(256), 10, 0]), bytes.subarray(at)]),
      () => bytes.fill(random(256), at, Math.min(bytes.length, at + random(2000))),
    ][random(5)]!();
    writeFileSync(path, mutated);
    const { findings } = await run();
    expect({ seed, isClean: findings.isClean }).toEqual({ seed, isClean: mutated.equals(clean) });
  }
}, 60_000);

test("a log of 300 MB takes no such memory", async () => {
  const chunk = lines(0, 1).repeat(1);
  expect(chunk.length).toBeGreaterThan(0);
  const fill = "x".repeat(900);
  let offset = 0;
  writeFileSync(logFile, "");
  for (let part = 0; part < 30; part++) {
    let text = "";
    for (let i = 0; i < 10_000; i++)
      text += `{"partition":0,"offset":${offset++},"timestamp":1,"topic":"events","id":null,"key":null,"value":"${fill}"}\n`;
    appendFileSync(logFile, text);
  }
  const script = `
    const { verify } = await import(${JSON.stringify(join(import.meta.dir, "../../src/verify/index.ts"))});
    const before = process.memoryUsage.rss();
    let most = before;
    const timer = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()); }, 10);
    const { findings, lines } = await verify({ logFile: ${JSON.stringify(logFile)}, client: undefined, isComplete: false, allowsGaps: false });
    clearInterval(timer);
    console.log(JSON.stringify({ isClean: findings.isClean, lines, grownMb: (most - before) / 1e6 }));`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const said = JSON.parse(await new Response(child.stdout).text()) as {
    isClean: boolean;
    lines: number;
    grownMb: number;
  };
  expect(said).toMatchObject({ isClean: true, lines: 300_000 });
  expect(said.grownMb).toBeLessThan(150);
}, 60_000);
