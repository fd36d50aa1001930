import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { writeCheckpoint } from "../../src/consume/checkpoint.ts";
import { type Compression, closedPath } from "../../src/consume/closed-files.ts";
import { finishClosing } from "../../src/consume/closing.ts";
import { LogFileLock } from "../../src/consume/lock.ts";
import { manifestPath } from "../../src/consume/manifest.ts";
import { BlockLines, Blocks } from "../../src/verify/blocks.ts";
import { closeParts, contentOf, openParts } from "../../src/verify/files.ts";
import { verdictAsJson, verdictAsText, verify } from "../../src/verify/index.ts";
import { lineOf, TestFolder } from "../consume/support.ts";

/** Another process that has the log: within one, SQLite's locks do not exclude each other's askers. */
const HOLDER = `
  import { LogFileLock } from "${import.meta.dir}/../../src/consume/lock.ts";
  const lock = new LogFileLock(process.argv[1].replace(/\\.lock$/, ""));
  console.log("locked");
  setInterval(() => lock, 1000);
`;

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

test("closed files of a topic that the log was of before are looked at by themselves", async () => {
  const before = { ...identity, topicId: "t0" };
  const path = closedPath(logFile, 1, Date.UTC(2026, 0, 1));
  writeFileSync(path, lines(0, 50) + lines(51, 60));
  await finishClosing({ logFile, identity: before, compression: null, keep: undefined, isSynced: false });
  await close(2, lines(0, 100));
  writeFileSync(logFile, lines(100, 110));
  checkpoint([
    [0, 109],
    [1, 109],
  ]);
  const verdict = await run();
  expect(verdict).toMatchObject({ files: 3, filesOfOthers: 1, lines: 338 });
  expect(verdict.partitions.get(0)).toMatchObject({ lines: 110, missing: 0, duplicated: 0 });
  expect(verdict.findings.counts).toEqual({ missing: 2 });
  expect(verdictAsText(verdict)).toContain("1 of them of another topic");
  expect((await run({ allowsGaps: true })).findings.places).toEqual([]);
});

test("what a running consume is in the middle of is no fault; without one it is", async () => {
  writeFileSync(closedPath(logFile, 1, 0), lines(0, 10));
  writeFileSync(logFile, lines(10, 20) + lineOf(0, 20).slice(0, -3));
  const names = readdirSync(folder.path);
  expect((await run()).findings.counts).toEqual({ manifest: 1, damaged: 1 });
  // It writes nothing, no lock either.
  expect(readdirSync(folder.path)).toEqual(names);
  const lock = new LogFileLock(logFile);
  const holder = Bun.spawn([process.execPath, "-e", HOLDER, `${logFile}.lock`], { stdout: "pipe" });
  lock.release();
  for await (const _ of holder.stdout) {
    expect((await run()).findings.places).toEqual([]);
    holder.kill("SIGKILL");
  }
  expect((await run()).findings.counts).toEqual({ manifest: 1, damaged: 1 });
});

test("files that are closed and compressed while they are read are read as they were", async () => {
  await close(1, lines(0, 10));
  const waiting = closedPath(logFile, 2, 0);
  writeFileSync(waiting, lines(10, 20));
  writeFileSync(logFile, lines(20, 30));
  const parts = await openParts(logFile);
  renameSync(logFile, closedPath(logFile, 3, 0));
  await finishClosing({ logFile, identity, compression: "zstd", keep: undefined, isSynced: false });
  writeFileSync(logFile, lines(30, 40));
  expect(existsSync(waiting)).toBe(false);
  let text = "";
  for (const part of parts) for await (const piece of contentOf(part)) text += new TextDecoder().decode(piece);
  await closeParts(parts);
  expect(text).toBe(lines(0, 10) + lines(10, 20) + lines(20, 30));
});

test("an idle partition's last line may have gone with the files that --keep deleted; not without any deleted", async () => {
  await close(2, lines(100, 110));
  writeFileSync(logFile, lines(110, 120));
  checkpoint([
    [0, 119],
    [1, 119],
    [2, 7],
  ]);
  expect((await run()).findings.places).toEqual([]);
  await close(1, lines(90, 100));
  expect((await run()).findings.counts).toEqual({ checkpoint: 1 });
});

test("a closed file that is gone and has left its manifest; a log by the name of a link", async () => {
  const [first = ""] = await cleanLog();
  symlinkSync(logFile, folder.file("link.log"));
  const verifyLink = () =>
    verify({ logFile: folder.file("link.log"), client: undefined, isComplete: false, allowsGaps: false });
  expect(await verifyLink()).toMatchObject({ files: 4, lines: 800 });
  rmSync(first);
  expect((await verifyLink()).findings.counts).toEqual({ file: 1 });
});

test("blocks differ where both have them with other lines; which lines, their hashes tell", () => {
  const [ours, theirs] = [new Blocks(), new Blocks()];
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (const offset of [0, 1, 1024, 2048, 5000]) ours.add(0, offset, bytes(`line ${offset}`));
  // What is in one of them only (the topic no longer has it, say) cannot be compared.
  for (const offset of [1024, 2048, 9000]) theirs.add(0, offset, bytes(offset === 2048 ? "other" : `line ${offset}`));
  const differing = ours.differing(theirs);
  expect(differing).toEqual([{ partition: 0, block: 2 }]);
  const hashes = new BlockLines(differing);
  hashes.add(0, 2048, bytes("other"));
  hashes.add(0, 1024, bytes("other"));
  expect([2048, 2049, 1024].map((offset) => hashes.differs(0, offset, bytes(`line ${offset}`)))).toEqual([
    true,
    false,
    false,
  ]);
  expect(hashes.differs(0, 2048, bytes("other"))).toBe(false);
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

test.each([
  ["300 MB of lines", "lines", 300_000, {}],
  ["a gigabyte without a line's end", "hole", 2, { damaged: 1 }],
] as const)(
  "%s takes no such memory",
  async (_what, kind, lineCount, counts) => {
    if (kind === "lines") writeLines(300_000);
    else {
      writeFileSync(logFile, lineOf(0, 0));
      truncateSync(logFile, 1_500_000_000);
      appendFileSync(logFile, "\n");
    }
    const script = `
      const { verify } = await import(${JSON.stringify(join(import.meta.dir, "../../src/verify/index.ts"))});
      const before = process.memoryUsage.rss();
      let most = before;
      const timer = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()); }, 10);
      const { findings, lines } = await verify({ logFile: ${JSON.stringify(logFile)}, client: undefined, isComplete: false, allowsGaps: false });
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
  writeFileSync(logFile, "");
  for (let offset = 0; offset < count; ) {
    let text = "";
    for (let i = 0; i < 10_000; i++)
      text += `{"partition":0,"offset":${offset++},"timestamp":1,"topic":"events","id":null,"key":null,"value":"${fill}"}\n`;
    appendFileSync(logFile, text);
  }
}
