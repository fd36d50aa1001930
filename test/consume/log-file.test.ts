import { expect, test } from "bun:test";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { LogFile, LogFileError, prepareLogFile, WRITE_BYTES_MAX, type WriteBytes } from "../../src/consume/log-file.ts";
import { TestFolder } from "./support.ts";

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

test("pieces of every size are appended in their order, and nothing else", async () => {
  using folder = new TestFolder();
  const path = folder.file("a.log");
  const expected: Uint8Array[] = [];
  const file = new LogFile(path);
  for (let round = 0; round < 4; round++) {
    const sizes = [
      3,
      70_000,
      1,
      2,
      32_768,
      32_767,
      250_000,
      5,
      WRITE_BYTES_MAX,
      3 * WRITE_BYTES_MAX + 1,
      20_000,
      30_000,
      7,
    ];
    const pieces = sizes.map((size, i) => filled(size, 65 + ((round + i) % 26)));
    expected.push(...pieces);
    await file.append(pieces);
    expect(statSync(path).size).toBe(file.lengthBytes);
  }
  await file.append([]);
  await file.append([new Uint8Array(0)]);
  file.close();
  expect(Buffer.compare(readFileSync(path), Buffer.concat(expected))).toBe(0);
});

test("an existing file is continued", async () => {
  using folder = new TestFolder();
  const path = folder.file("a.log");
  await Bun.write(path, "before\n");
  const file = new LogFile(path);
  expect(file.lengthBytes).toBe(7);
  await file.append([Buffer.from("after\n")]);
  file.close();
  expect(await Bun.file(path).text()).toBe("before\nafter\n");
});

/** Writes like a full disk: `whole` calls work, then `part` bytes land and the call fails as `how` says. */
function failing(whole: number, part: number, how: "short" | "throws"): { write: WriteBytes; repair: () => void } {
  let calls = 0;
  let isBroken = true;
  return {
    async write(fd, bytes) {
      if (!isBroken || calls++ < whole) return writeSync(fd, bytes);
      const written = part === 0 ? 0 : writeSync(fd, bytes.subarray(0, part));
      if (how === "throws") throw new Error("ENOSPC: no space left on device");
      return written;
    },
    repair() {
      isBroken = false;
    },
  };
}

test.each([
  [0, 0, "throws"],
  [0, 5, "throws"],
  [2, 5, "throws"],
  [0, 0, "short"],
  [0, 5, "short"],
  [2, 100_000, "short"],
] as const)(
  "%d whole writes, then one of %d bytes that %s: the length is restored, and the next append works",
  async (whole, part, how) => {
    using folder = new TestFolder();
    const path = folder.file("a.log");
    await Bun.write(path, "before\n");
    const { write, repair } = failing(whole, part, how);
    const file = new LogFile(path, write);
    const pieces = [filled(900_000, 65), filled(10, 66)];
    await expect(file.append(pieces)).rejects.toThrow();
    expect(statSync(path).size).toBe(7);
    expect(file.lengthBytes).toBe(7);
    await expect(file.append(pieces)).rejects.toThrow();
    repair();
    await file.append(pieces);
    file.close();
    expect(Buffer.compare(readFileSync(path), Buffer.concat([Buffer.from("before\n"), ...pieces]))).toBe(0);
  },
);

test("a file that somebody cut is not grown back with NULs", async () => {
  using folder = new TestFolder();
  const path = folder.file("a.log");
  const { write, repair } = failing(1, 3, "throws");
  const file = new LogFile(path, write);
  await file.append([Buffer.from("0123456789\n")]);
  const append = file.append([Buffer.from("lost")]);
  truncateSync(path, 4);
  await expect(append).rejects.toThrow();
  repair();
  await file.append([Buffer.from("more\n")]);
  file.close();
  expect(await Bun.file(path).text()).not.toContain("\0");
});

test("where somebody cut the file within a line, the next line begins on a line of its own; also when its first try fails", async () => {
  using folder = new TestFolder();
  const path = folder.file("a.log");
  const { write, repair } = failing(1, 3, "throws");
  const file = new LogFile(path, write);
  await file.append([Buffer.from("one\ntwo\n")]);
  truncateSync(path, 6);
  expect(file.checkLength()).toBe(-2);
  await expect(file.append([Buffer.from("three\n")])).rejects.toThrow();
  repair();
  await file.append([Buffer.from("three\n")]);
  await file.append([Buffer.from("four\n")]);
  expect(await Bun.file(path).text()).toBe("one\ntw\nthree\nfour\n");
  expect(file.lengthBytes).toBe(18);
  // Cut behind a line's end: nothing is to be mended.
  truncateSync(path, 7);
  file.checkLength();
  await file.append([Buffer.from("five\n")]);
  file.close();
  expect(await Bun.file(path).text()).toBe("one\ntw\nfive\n");
});

test("after a sync that failed none succeeds, whoever asked for it, and the file can be cut to what is on the disk", async () => {
  using folder = new TestFolder();
  const path = folder.file("a.log");
  let isBroken = false;
  const sync = () => (isBroken ? Promise.reject(new Error("EIO")) : Promise.resolve());
  const file = new LogFile(path, undefined, sync);
  await file.append([Buffer.from("on the disk\n")]);
  await file.sync();
  await file.append([Buffer.from("in doubt\n")]);
  isBroken = true;
  expect(file.sync()).rejects.toThrow("EIO");
  await Promise.resolve();
  // What the system says of a second try.
  isBroken = false;
  expect(file.sync()).rejects.toThrow("EIO");
  await file.sync().catch(() => {});
  expect(() => file.syncNow()).toThrow("EIO");
  file.cutToSynced();
  file.close();
  expect(await Bun.file(path).text()).toBe("on the disk\n");
});

test("Bun.write on a file opened to append: below 256 KiB it appends, no bytes truncate, from 256 KiB on it may leave a hole", async () => {
  using folder = new TestFolder();
  const fd = openSync(folder.file("bun.log"), "a");
  await Bun.write(Bun.file(fd), "before\n");
  expect(await Bun.write(Bun.file(fd), filled(WRITE_BYTES_MAX, 65))).toBe(WRITE_BYTES_MAX);
  expect(fstatSync(fd).size).toBe(7 + WRITE_BYTES_MAX);
  // Why LogFile never does these. Where Bun no longer does either, its limits can go.
  await Bun.write(Bun.file(fd), new Uint8Array(0));
  expect(fstatSync(fd).size).toBe(0);
  await Bun.write(Bun.file(fd), "before\n");
  await Bun.write(Bun.file(fd), filled(262_144, 65));
  if (process.platform === "linux") expect(fstatSync(fd).size).toBe(2 * 262_144);
  closeSync(fd);
});

test("the real path of a log file: created, through symbolic links, regular files only", () => {
  using folder = new TestFolder();
  const path = folder.file("a.log");
  symlinkSync(path, folder.file("link.log"));
  expect(prepareLogFile(folder.file("link.log"))).toBe(prepareLogFile(path));
  expect(statSync(path).size).toBe(0);
  mkdirSync(folder.file("folder"));
  expect(() => prepareLogFile(folder.file("folder"))).toThrow(LogFileError);
  expect(() => prepareLogFile(folder.file("missing/a.log"))).toThrow(LogFileError);
  expect(() => prepareLogFile("/dev/null")).toThrow("must be a regular file");
});
