import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type Compression, closedFiles, closedPath } from "../../src/consume/closed-files.ts";
import { Closer } from "../../src/consume/closer.ts";
import { type ClosingOptions, finishClosing } from "../../src/consume/closing.ts";
import { ContentReader } from "../../src/consume/content.ts";
import { manifestPath, readManifest, unfinished } from "../../src/consume/manifest.ts";
import { ManualClock } from "../support/clock.ts";
import { bytesOf, keptLog, lineOf, TestFolder } from "./support.ts";

const identity = { clusterId: "c1", topic: "events", topicId: "t1" };

class ClosedFolder extends TestFolder {
  readonly path0 = this.file("consumer.log");

  closed(sequence: number, text: string, suffix = ""): string {
    const path = `${closedPath(this.path0, sequence, Date.UTC(2026, 0, 1))}${suffix}`;
    writeFileSync(path, text);
    return path;
  }

  options(over: Partial<ClosingOptions> = {}): ClosingOptions {
    return { logFile: this.path0, identity, compression: null, keep: undefined, isSynced: false, ...over };
  }
}

/** CRC-32C bit by bit, as RFC 3720 gives it; slow, and not the library. */
function crc32cOf(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

test("the checksum is CRC-32C: RFC 3720's own example", () => {
  const reader = new ContentReader();
  reader.add(new Uint8Array(32));
  expect(reader.finish().crc32c).toBe("8a9136aa");
  expect(crc32cOf(new Uint8Array(32))).toBe("8a9136aa");
});

const TEXT = `${lineOf(0, 5)}${lineOf(1, 70)}not ours\n${lineOf(0, 6)}${lineOf(0, 9, '"ü"')}`;

test("content is the same however it is cut", () => {
  const bytes = bytesOf(TEXT);
  const expected = {
    lines: 5,
    foreignLines: 1,
    bytes: bytes.length,
    crc32c: crc32cOf(bytes),
    partitions: [
      {
        partition: 0,
        firstOffset: 5,
        lastOffset: 9,
        lines: 3,
        bytes: bytesOf(lineOf(0, 5) + lineOf(0, 6) + lineOf(0, 9, '"ü"')).length,
      },
      { partition: 1, firstOffset: 70, lastOffset: 70, lines: 1, bytes: lineOf(1, 70).length },
    ],
  };
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new ContentReader();
    for (let at = 0; at < bytes.length; at += size) reader.add(bytes.subarray(at, at + size));
    expect(reader.finish()).toEqual(expected);
  }
});

test.each([
  [null, "", (bytes: Uint8Array) => bytes],
  ["gzip", ".gz", gunzipSync],
  ["zstd", ".zst", zstdDecompressSync],
] as const)("a closed file gets a manifest that is true; compression %s", async (compression, suffix, decompress) => {
  using folder = new ClosedFolder();
  const path = folder.closed(1, TEXT);
  const { finished } = await finishClosing(folder.options({ compression, isSynced: true }));
  expect(finished).toEqual([path + suffix]);
  const bytes = readFileSync(path + suffix);
  expect(Buffer.from(decompress(bytes)).toString()).toBe(TEXT);
  expect(existsSync(path)).toBe(compression === null);
  const manifest = readManifest(path + suffix);
  expect(manifest).toMatchObject({
    file: `consumer.log.20260101T000000Z-000001${suffix}`,
    identity,
    lines: 5,
    foreignLines: 1,
    bytes: bytesOf(TEXT).length,
    crc32c: crc32cOf(bytesOf(TEXT)),
    compression,
    compressedBytes: compression === null ? null : bytes.length,
  });
  expect(readFileSync(manifestPath(path + suffix), "utf8").split("\n")).toHaveLength(2);
  expect(unfinished(folder.path0)).toEqual([]);
  // Again: nothing to do, nothing changed.
  expect(await finishClosing(folder.options({ compression }))).toEqual({ finished: [], deleted: [] });
});

test.each(["gzip", "zstd"] as const)(
  "compressing with %s that was cut off is done again",
  async (compression: Compression) => {
    using folder = new ClosedFolder();
    const path = folder.closed(1, TEXT);
    const suffix = compression === "gzip" ? ".gz" : ".zst";
    folder.closed(1, "half a", `${suffix}.new`);
    folder.closed(1, "whole, but the plain file is still there", suffix);
    await finishClosing(folder.options({ compression }));
    expect(readdirSync(folder.path).sort()).toEqual(
      [
        `consumer.log.20260101T000000Z-000001${suffix}`,
        `consumer.log.20260101T000000Z-000001${suffix}.manifest.json`,
      ].sort(),
    );
    expect(readManifest(path + suffix)).toMatchObject({ compressedBytes: statSync(path + suffix).size, lines: 5 });
  },
);

test("the oldest beyond --keep go, with their manifests, whatever they are compressed with", async () => {
  using folder = new ClosedFolder();
  folder.closed(1, "x", ".gz");
  writeFileSync(manifestPath(folder.closed(2, "x", ".zst")), "{}");
  for (const sequence of [3, 4, 5]) folder.closed(sequence, TEXT);
  const { deleted } = await finishClosing(folder.options({ keep: 2 }));
  expect(deleted).toHaveLength(3);
  const kept = [4, 5].map((sequence) => `consumer.log.20260101T000000Z-00000${sequence}`);
  expect(readdirSync(folder.path).sort()).toEqual(kept.flatMap((name) => [name, `${name}.manifest.json`]));
});

test("a manifest that is none says why", () => {
  using folder = new ClosedFolder();
  const path = folder.closed(1, TEXT);
  expect(readManifest(path)).toBeUndefined();
  for (const text of [
    "",
    "null",
    "{}",
    '{"version":2}',
    '{"version":1,"compression":"lzma"}',
    '{"version":1,"compression":null,"crc32c":"x"}',
  ]) {
    writeFileSync(manifestPath(path), text);
    expect(readManifest(path)).toBeString();
  }
});

test("the closer finishes what is left over at its start, and what is closed while it works", async () => {
  using folder = new ClosedFolder();
  folder.closed(1, TEXT);
  const { log, lines } = keptLog();
  const closer = new Closer(folder.options({ compression: "gzip" }), log);
  folder.closed(2, TEXT);
  closer.start();
  await closer.whenIdle();
  expect(unfinished(folder.path0)).toEqual([]);
  expect(readdirSync(folder.path)).toHaveLength(4);
  expect(lines.every(({ msg }) => msg === "closed log files were finished")).toBe(true);
});

test("a closer that fails says so, and tries again after a while, or with the next file", async () => {
  using folder = new ClosedFolder();
  const path = folder.closed(1, TEXT);
  const { log, lines } = keptLog();
  const clock = new ManualClock();
  const closer = new Closer({ ...folder.options(), identity: null as unknown as typeof identity }, log, clock);
  await closer.whenIdle();
  expect(lines.map(({ msg }) => msg)).toEqual([expect.stringContaining("could not be finished")]);
  expect([existsSync(path), existsSync(manifestPath(path))]).toEqual([true, false]);
  clock.advance(60_000);
  await closer.whenIdle();
  expect(lines).toHaveLength(2);
  closer.start();
  expect(clock.nextDelayMs).toBeUndefined();
  await closer.whenIdle();
  expect(lines).toHaveLength(3);
});

test("a file that cannot be finished does not keep the others", async () => {
  using folder = new ClosedFolder();
  const paths = [1, 2, 3].map((sequence) => folder.closed(sequence, TEXT));
  // Where its manifest is to be written.
  mkdirSync(`${manifestPath(`${paths[0]}.gz`)}.new`);
  await expect(finishClosing(folder.options({ compression: "gzip" }))).rejects.toThrow(paths[0]!);
  expect(unfinished(folder.path0).map(({ path }) => path)).toEqual([paths[0]!]);
  expect(existsSync(`${paths[2]}.gz`)).toBe(true);
});

test("what a compression of another kind has left goes with the plain file", async () => {
  using folder = new ClosedFolder();
  const path = folder.closed(1, TEXT);
  for (const suffix of [".zst", ".zst.new", ".zst.manifest.json"]) folder.closed(1, "left", suffix);
  await finishClosing(folder.options({ compression: "gzip" }));
  expect(readdirSync(folder.path).sort()).toEqual(
    [`${path}.gz`, `${path}.gz.manifest.json`].map((name) => basename(name)),
  );
});

test.each(["gzip", "zstd"] as const)(
  "on a full disk compressing with %s fails, leaves the plain file and nothing else, and works when there is room",
  async (compression) => {
    using folder = new TestFolder();
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder.path]);
    if (mounted.status !== 0)
      throw new Error(`a small disk for this test cannot be mounted (it takes root): ${mounted.stderr}`);
    try {
      const logFile = folder.file("consumer.log");
      const path = closedPath(logFile, 1, 0);
      // What no compression makes smaller.
      const fill = () => crypto.getRandomValues(Buffer.alloc(65_536)).toString("base64");
      writeFileSync(path, Array.from({ length: 15 }, (_, i) => lineOf(0, i, `"${fill()}"`)).join(""));
      writeFileSync(folder.file("filler"), new Uint8Array(700_000));
      const options: ClosingOptions = { logFile, identity, compression, keep: undefined, isSynced: false };
      const before = readFileSync(path);
      await expect(finishClosing(options)).rejects.toThrow(/ENOSPC/);
      expect(readdirSync(folder.path).filter((name) => name.endsWith(".new"))).toEqual([]);
      expect(readFileSync(path).equals(before)).toBe(true);
      expect(spawnSync("mount", ["-o", "remount,size=8m", folder.path]).status).toBe(0);
      await finishClosing(options);
      expect(unfinished(logFile)).toEqual([]);
      const [{ path: finished } = { path: "" }] = closedFiles(logFile);
      const decompressed = (compression === "gzip" ? gunzipSync : zstdDecompressSync)(readFileSync(finished));
      expect(Buffer.from(decompressed).equals(before)).toBe(true);
    } finally {
      spawnSync("umount", ["-l", folder.path]);
    }
  },
);
