import { expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { closedFiles, closedPath } from "../../src/consume/closed-files.ts";
import { LiveLog, type LiveLogOptions } from "../../src/consume/live-log.ts";
import { ManualClock } from "../support/clock.ts";
import { bytesOf, keptLog, lineOf, TestFolder } from "./support.ts";

const MOMENT = Date.UTC(2026, 10, 23, 8, 10, 0);

class LiveFolder extends TestFolder {
  readonly path0 = this.file("consumer.log");
  readonly clock = new ManualClock();
  readonly begun: (string | undefined)[] = [];
  readonly log = keptLog();
  #offset = 0;

  open(over: Partial<LiveLogOptions> = {}): LiveLog {
    return new LiveLog({
      path: this.path0,
      rotation: { maxBytes: undefined, intervalMs: undefined },
      isSynced: false,
      sequence: 0,
      log: this.log.log,
      onBegun: (closed) => this.begun.push(closed),
      clock: this.clock,
      wallClockMs: () => MOMENT,
      ...over,
    });
  }

  async add(live: LiveLog): Promise<void> {
    await live.append([bytesOf(lineOf(0, this.#offset++))]);
  }

  get text(): string {
    return readFileSync(this.path0, "utf8");
  }

  get said(): string {
    return this.log.lines.map(({ msg }) => msg).join("; ");
  }
}

test("a closed file's name says when, and sorts by sequence", () => {
  expect(closedPath("a/consumer.log", 7, MOMENT + 123)).toBe("a/consumer.log.20261123T081000Z-000007");
  using folder = new LiveFolder();
  const names = [
    ...["20261123T081000Z-000002", "20261123T080000Z-000003.gz", "20261123T080000Z-000003", "20261123T081000Z-1000000"],
    ...["20261123T081000Z-000001.zst", "1", "2026-11-23T08-10-00.000Z", "20261123T081000Z-000004.gz.new", "checkpoint"],
    "20261123T081000Z-000001.zst.manifest.json",
  ];
  for (const name of names) writeFileSync(`${folder.path0}.${name}`, "");
  writeFileSync(folder.file("other.log.20261123T081000Z-000001"), "");
  expect(closedFiles(folder.path0).map(({ sequence, compression }) => [sequence, compression])).toEqual([
    [1, "zstd"],
    [2, null],
    // Its compressing was cut off.
    [3, null],
    [1_000_000, null],
  ]);
});

test("a file is closed when it is large enough, and lines go on in a new one", async () => {
  using folder = new LiveFolder();
  const live = folder.open({ rotation: { maxBytes: 2 * lineOf(0, 0).length, intervalMs: undefined } });
  for (let i = 0; i < 5; i++) {
    await folder.add(live);
    live.rotateIfDue();
  }
  live.close();
  const [first, second] = closedFiles(folder.path0).map(({ path }) => path);
  expect([first!, second!, folder.path0].map((path) => readFileSync(path, "utf8"))).toEqual([
    lineOf(0, 0) + lineOf(0, 1),
    lineOf(0, 2) + lineOf(0, 3),
    lineOf(0, 4),
  ]);
  expect(folder.begun).toEqual([first, second]);
  expect([live.sequence, live.lengthBytes]).toEqual([2, lineOf(0, 4).length]);
});

test("a file is closed when it is old enough, unless it is empty", async () => {
  using folder = new LiveFolder();
  const live = folder.open({ rotation: { maxBytes: undefined, intervalMs: 1000 } });
  folder.clock.advance(1500);
  live.rotateIfDue();
  expect(folder.begun).toEqual([]);
  await folder.add(live);
  live.rotateIfDue();
  expect(folder.begun).toHaveLength(1);
  await folder.add(live);
  folder.clock.advance(900);
  live.rotateIfDue();
  expect(folder.begun).toHaveLength(1);
  folder.clock.advance(100);
  live.rotateIfDue();
  expect(folder.begun).toHaveLength(2);
  live.close();
});

test("where the closed name is taken, lines go on in the old file, and nobody's file is lost", async () => {
  using folder = new LiveFolder();
  const live = folder.open({ rotation: { maxBytes: 1, intervalMs: undefined } });
  const taken = closedPath(folder.path0, 1, MOMENT);
  mkdirSync(taken);
  await folder.add(live);
  live.rotateIfDue();
  await folder.add(live);
  expect(folder.text).toBe(lineOf(0, 0) + lineOf(0, 1));
  expect(folder.said).toContain("could not be closed");
  rmSync(taken, { recursive: true });
  // Not with every line.
  live.rotateIfDue();
  expect(folder.log.lines.filter(({ msg }) => msg.includes("could not be closed"))).toHaveLength(1);
  expect(folder.begun).toEqual([]);
  folder.clock.advance(10_000);
  live.rotateIfDue();
  expect(folder.begun).toEqual([taken]);
  live.close();
});

test("a file that was moved is let go of at the next line, without a signal", async () => {
  using folder = new LiveFolder();
  const live = folder.open();
  await folder.add(live);
  renameSync(folder.path0, folder.file("moved"));
  await folder.add(live);
  live.close();
  expect([readFileSync(folder.file("moved"), "utf8"), folder.text]).toEqual([lineOf(0, 0), lineOf(0, 1)]);
  expect(folder.begun).toEqual([undefined]);
  expect(folder.said).toContain("moved or deleted");
});

test("a file that was deleted, or replaced by another, is begun anew", async () => {
  using folder = new LiveFolder();
  const live = folder.open();
  await folder.add(live);
  rmSync(folder.path0);
  await folder.add(live);
  expect(folder.text).toBe(lineOf(0, 1));
  // Kept under another name, so that the new one cannot be given its inode.
  renameSync(folder.path0, folder.file("old"));
  writeFileSync(folder.path0, "theirs\n");
  await folder.add(live);
  live.close();
  expect(folder.text).toBe(`theirs\n${lineOf(0, 2)}`);
});

test("a file that was cut goes on at its end; so does one that somebody else wrote to", async () => {
  using folder = new LiveFolder();
  const live = folder.open();
  await folder.add(live);
  truncateSync(folder.path0, 0);
  await folder.add(live);
  expect(folder.text).toBe(lineOf(0, 1));
  appendFileSync(folder.path0, "theirs\n");
  await folder.add(live);
  expect(folder.text).toBe(`${lineOf(0, 1)}theirs\n${lineOf(0, 2)}`);
  expect(live.lengthBytes).toBe(folder.text.length);
  expect(folder.begun).toEqual([]);
  expect(folder.said).toMatch(/cut the log file.*else writes/);
  live.close();
});

test("SIGHUP: the file is reopened where it was moved, and left where it is", async () => {
  using folder = new LiveFolder();
  const live = folder.open();
  await folder.add(live);
  live.reopen();
  expect(folder.said).toContain("nothing to reopen");
  renameSync(folder.path0, folder.file("consumer.log.1"));
  live.reopen();
  expect(folder.text).toBe("");
  await folder.add(live);
  expect(folder.text).toBe(lineOf(0, 1));
  live.close();
});

test("in the middle of an append nothing is taken away from under it", async () => {
  using folder = new LiveFolder();
  const { promise, resolve } = Promise.withResolvers<void>();
  const live = folder.open({
    write: async (fd, bytes) => {
      await promise;
      return Bun.write(Bun.file(fd), bytes);
    },
  });
  const adding = folder.add(live);
  renameSync(folder.path0, folder.file("moved"));
  expect(live.checkPath()).toBe("busy");
  live.reopen();
  resolve();
  await adding;
  expect(readFileSync(folder.file("moved"), "utf8")).toBe(lineOf(0, 0));
  await folder.add(live);
  expect(folder.text).toBe(lineOf(0, 1));
  live.close();
});

test("a file is not closed while it is synced", async () => {
  using folder = new LiveFolder();
  const live = folder.open({ rotation: { maxBytes: 1, intervalMs: undefined }, isSynced: true });
  await folder.add(live);
  const synced = live.sync();
  live.rotateIfDue();
  // Put off: the sync must speak of the lines it was asked for.
  expect(folder.begun).toEqual([]);
  await synced;
  live.rotateIfDue();
  expect(folder.begun).toHaveLength(1);
  live.close();
  expect(readdirSync(folder.path)).toHaveLength(2);
});
