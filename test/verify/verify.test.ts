/** What verify finds in a log that is not as it should be, and that it finds nothing in one that is. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { manifestPath } from "../../src/consume/manifest.ts";
import { verdictAsJson, verdictAsText } from "../../src/verify/index.ts";
import { lineOf } from "../consume/support.ts";
import { lines, TestLog } from "./support.ts";

let log: TestLog;
beforeEach(() => {
  log = new TestLog();
});
afterEach(() => log[Symbol.dispose]());

test("a clean log is clean, over all its files", async () => {
  await log.fill();
  const verdict = await log.verify();
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
  await log.fill();
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
    writeFileSync(log.file, live);
    log.checkpoint([
      [0, 309],
      [1, 309],
    ]);
    const { findings } = await log.verify();
    expect([what, findings.counts]).toEqual([what, counts]);
    expect(verdictAsText(await log.verify())).toContain("NOT CLEAN");
  }
  writeFileSync(log.file, text.replace(lineOf(1, 305), ""));
  log.checkpoint([
    [0, 309],
    [1, 309],
  ]);
  expect((await log.verify()).findings.places).toEqual([
    { kind: "missing", partition: 1, offsets: { first: 305, last: 305 }, detail: expect.any(String) },
  ]);
  expect((await log.verify({ allowsGaps: true })).findings.isClean).toBe(true);
  writeFileSync(log.file, `${text}${lineOf(0, 301)}`);
  log.checkpoint([
    [0, 309],
    [1, 309],
  ]);
  expect((await log.verify()).findings.places[0]).toMatchObject({ file: "consumer.log", line: 21, byte: text.length });
});

test("a closed file that is not as its manifest says, or cannot be read", async () => {
  const [plain = "", gzip = "", zstd = ""] = await log.fill();
  const spoil = async (path: string, change: (bytes: Buffer) => Buffer) => {
    const before = readFileSync(path);
    writeFileSync(path, change(Buffer.from(before)));
    const { findings } = await log.verify({ allowsGaps: true });
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
  expect((await log.verify()).findings.counts).toEqual({ manifest: 1 });
});

test("a checkpoint that does not hold", async () => {
  await log.fill();
  log.checkpoint([
    [0, 399],
    [1, 450],
  ]);
  expect((await log.verify()).findings.counts).toEqual({ checkpoint: 1 });
  log.checkpoint(
    [
      [0, 399],
      [1, 399],
    ],
    statSync(log.file).size + 10,
  );
  expect((await log.verify()).findings.counts).toEqual({ checkpoint: 1 });
  log.checkpoint(
    [
      [0, 399],
      [1, 399],
    ],
    7,
  );
  expect((await log.verify()).findings.counts).toEqual({ checkpoint: 1 });
  writeFileSync(`${log.file}.checkpoint`, "garbage");
  expect((await log.verify()).findings.counts).toEqual({ checkpoint: 1 });
});

test("no log is an error, an empty one is clean", async () => {
  expect(log.verify()).rejects.toThrow("there is no log");
  writeFileSync(log.file, "");
  expect((await log.verify()).findings.isClean).toBe(true);
});

test("five hundred mutations: it never throws, and never says clean where a closed file's bytes have changed", async () => {
  const path = await log.close(1, lines(0, 200));
  writeFileSync(log.file, lines(200, 220));
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
    const { findings } = await log.verify();
    expect({ seed, isClean: findings.isClean }).toEqual({ seed, isClean: mutated.equals(clean) });
  }
}, 60_000);
