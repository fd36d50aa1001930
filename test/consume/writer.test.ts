import { describe, expect, test } from "bun:test";
import { LogFile } from "../../src/consume/log-file.ts";
import type { Lines } from "../../src/consume/worker-messages.ts";
import { Writer, type WriterOptions } from "../../src/consume/writer.ts";
import { ManualClock } from "../support/clock.ts";
import { keptLog, lineOf, linesOf, TestFolder, textOf, until } from "./support.ts";

/** A file in memory that can be made to fail, or to take its time. */
class FakeFile {
  text = "";
  appends = 0;
  failures = 0;
  #gate: Promise<void> | undefined;

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    this.appends++;
    await this.#gate;
    if (this.failures > 0) {
      this.failures--;
      throw new Error("ENOSPC: no space left on device");
    }
    this.text += pieces.map(textOf).join("");
  }

  synced = "";
  syncs = 0;
  async sync(): Promise<void> {
    const { text } = this;
    await this.#gate;
    this.syncs++;
    this.synced = text;
  }

  cutToSynced(): void {
    this.text = this.synced;
  }

  rotations = 0;
  rotateIfDue(): void {
    this.rotations++;
  }

  /** What is appended waits until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }
}

function writerOn(file: WriterOptions["file"], over: Partial<WriterOptions> = {}) {
  const { log, lines: logged } = keptLog();
  const writer = new Writer({ file, offsets: new Map(), log, ...over });
  const written: number[] = [];
  let pushed = 0;
  return {
    writer,
    logged,
    written,
    push(lines: Lines) {
      const number = pushed++;
      writer.push(lines, () => written.push(number));
    },
  };
}

describe("Writer", () => {
  test("writes buffers in the order they came and says so in that order", async () => {
    const file = new FakeFile();
    const { writer, push, written } = writerOn(file);
    let expected = "";
    for (let i = 0; i < 200; i++) {
      push(linesOf([i % 3, i]));
      expected += lineOf(i % 3, i);
      if (i % 17 === 0) await Bun.sleep(0);
    }
    await writer.whenIdle();
    expect(file.text).toBe(expected);
    expect(written).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(writer.totals).toEqual({ lines: 200, bytes: expected.length, suppressedLines: 0 });
    expect(file.appends).toBeLessThan(200);
  });

  test("a buffer counts as written only when it is in the file; nothing new counts at once", async () => {
    const file = new FakeFile();
    const { writer, push, written } = writerOn(file, { offsets: new Map([[0, 5]]) });
    const open = file.hold();
    push(linesOf([0, 5]));
    push(linesOf([0, 6]));
    await until("appending", () => file.appends === 1);
    expect(written).toEqual([0]);
    expect(writer.offsets.get(0)).toBe(5);
    open();
    await writer.whenIdle();
    expect(written).toEqual([0, 1]);
    push(linesOf([0, 2], [0, 6]));
    await writer.whenIdle();
    expect(written).toEqual([0, 1, 2]);
    expect(file.appends).toBe(1);
    expect(file.text).toBe(lineOf(0, 6));
    expect(writer.totals).toEqual({ lines: 1, bytes: file.text.length, suppressedLines: 3 });
  });

  test("while writing fails nothing is reported, then everything once", async () => {
    const file = new FakeFile();
    file.failures = 3;
    const clock = new ManualClock();
    const { writer, push, written, logged } = writerOn(file, { clock });
    push(linesOf([0, 0]));
    push(linesOf([0, 0], [0, 1]));
    const delays: number[] = [];
    for (let failure = 0; failure < 3; failure++) {
      await until("waiting to try again", () => clock.nextDelayMs !== undefined);
      delays.push(clock.nextDelayMs!);
      expect(written).toEqual([]);
      expect(writer.offsets.size).toBe(0);
      clock.advance(clock.nextDelayMs!);
    }
    await writer.whenIdle();
    expect(delays).toEqual([100, 200, 400]);
    expect(written).toEqual([0, 1]);
    expect(file.text).toBe(lineOf(0, 0) + lineOf(0, 1));
    expect(logged.map(({ msg }) => msg)).toEqual([
      expect.stringContaining("failed"),
      expect.stringContaining("works again"),
    ]);
  });

  describe("with sync", () => {
    test("a new file that cannot be begun is said, and lines go on", async () => {
      const file = new FakeFile();
      const rotateIfDue = () => {
        throw new Error("ENOSPC");
      };
      const { writer, push, written, logged } = writerOn(Object.assign(file, { rotateIfDue }));
      push(linesOf([0, 0]));
      await writer.whenIdle();
      push(linesOf([0, 1]));
      await writer.whenIdle();
      expect(written).toEqual([0, 1]);
      expect(logged[0]).toMatchObject({ error: "ENOSPC" });
    });

    test("off: nothing is synced, and the file may be closed after each group", async () => {
      const file = new FakeFile();
      const { writer, push, written } = writerOn(file);
      push(linesOf([0, 0]));
      await writer.whenIdle();
      expect([file.syncs, file.rotations, written]).toEqual([0, 1, [0]]);
    });

    test("batch: a buffer counts as written only when it is on the disk", async () => {
      const file = new FakeFile();
      const { promise, resolve } = Promise.withResolvers<void>();
      const sync = () => promise.then(() => FakeFile.prototype.sync.call(file));
      const { writer, push, written } = writerOn(Object.assign(file, { sync }), { sync: "batch" });
      push(linesOf([0, 0]));
      await until("appended", () => file.text !== "");
      await Bun.sleep(0);
      expect(written).toEqual([]);
      resolve();
      await writer.whenIdle();
      expect(written).toEqual([0]);
      expect(file.synced).toBe(lineOf(0, 0));
      expect(file.rotations).toBe(1);
    });

    test("every N ms: one sync for all that came, and no closing in between", async () => {
      const file = new FakeFile();
      const clock = new ManualClock();
      const { writer, push, written } = writerOn(file, { sync: 50, clock });
      for (let offset = 0; offset < 3; offset++) {
        push(linesOf([0, offset]));
        await until("appended", () => file.text.split("\n").length === offset + 2);
      }
      expect([file.syncs, file.rotations, written, clock.nextDelayMs]).toEqual([0, 0, [], 50]);
      clock.advance(50);
      await until("told", () => written.length === 3);
      expect([file.syncs, file.rotations]).toEqual([1, 1]);
      await writer.whenIdle();
      expect(clock.nextDelayMs).toBeUndefined();
    });

    test("a stop does not wait for the N ms", async () => {
      const file = new FakeFile();
      const { writer, push, written } = writerOn(file, { sync: 10_000, clock: new ManualClock() });
      push(linesOf([0, 0]));
      await writer.whenIdle();
      expect([written, file.synced]).toEqual([[0], lineOf(0, 0)]);
    });

    test("a sync that fails is not tried again: what it was for is cut off, and nothing of it counts as written", async () => {
      const file = new FakeFile();
      let syncs = 0;
      const sync = () => (++syncs === 2 ? Promise.reject(new Error("EIO")) : FakeFile.prototype.sync.call(file));
      const { writer, push, written } = writerOn(Object.assign(file, { sync }), { sync: "batch" });
      push(linesOf([0, 0]));
      await writer.whenIdle();
      push(linesOf([0, 1]));
      expect((await writer.failed).message).toBe("EIO");
      push(linesOf([0, 2]));
      await writer.whenIdle();
      expect(written).toEqual([0]);
      expect(file.text).toBe(lineOf(0, 0));
    });
  });

  test("writing that fails for too long is given up, with the reason", async () => {
    const file = new FakeFile();
    file.failures = Number.POSITIVE_INFINITY;
    const clock = new ManualClock();
    const { writer, push, written } = writerOn(file, { clock, giveUpMs: 20_000 });
    let failure: Error | undefined;
    void writer.failed.then((error) => {
      failure = error;
    });
    push(linesOf([0, 0]));
    while (failure === undefined) {
      if (clock.nextDelayMs !== undefined) clock.advance(clock.nextDelayMs);
      await Bun.sleep(0);
    }
    expect(failure.message).toContain("ENOSPC");
    expect(clock.nowMs()).toBeWithin(20_000, 26_000);
    push(linesOf([0, 1]));
    await writer.whenIdle();
    expect(written).toEqual([]);
    expect(file.text).toBe("");
  });

  test("on a real file: random buffers, some of them again, some writes failing: every line once, in order", async () => {
    using folder = new TestFolder();
    const path = folder.file("a.log");
    let calls = 0;
    const file = new LogFile(path, async (fd, bytes) => {
      if (calls++ % 5 !== 3) return Bun.write(Bun.file(fd), bytes);
      await Bun.write(Bun.file(fd), bytes.subarray(0, 1 + (bytes.length >> 1)));
      throw new Error("torn");
    });
    const impatient = {
      nowMs: () => performance.now(),
      after(_ms: number, action: () => void) {
        queueMicrotask(action);
        return () => {};
      },
    };
    const { writer, push } = writerOn(Object.assign(file, { rotateIfDue: () => {}, cutToSynced: () => {} }), {
      clock: impatient,
    });
    const next = [0, 0, 0];
    for (let i = 0; i < 500; i++) {
      const partition = i % 3;
      // A restarted worker begins again before where it was.
      const from = Math.max(0, next[partition]! - (i % 4 === 0 ? i % 9 : 0));
      const to = from + 1 + ((i * 7) % 23);
      push(linesOf(...Array.from({ length: to - from }, (_, k) => [partition, from + k] as const)));
      next[partition] = Math.max(next[partition]!, to);
      if (i % 11 === 0) await Bun.sleep(0);
    }
    await writer.whenIdle();
    file.close();
    const seen = [0, 0, 0];
    for (const line of (await Bun.file(path).text()).trimEnd().split("\n")) {
      const { partition, offset } = JSON.parse(line) as { partition: number; offset: number };
      expect(offset).toBe(seen[partition]!);
      seen[partition] = offset + 1;
    }
    expect(seen).toEqual(next);
    expect(writer.totals.lines).toBe(next[0]! + next[1]! + next[2]!);
    expect(file.lengthBytes).toBe(writer.totals.bytes);
  });
});
