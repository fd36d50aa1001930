/**
 * The writer: the only one that appends to the log file. Buffers are written in the order they came; of each partition only lines
 * past the last written offset (the rest is counted as suppressed). Only when lines are in the file (and, with `sync`, on the disk)
 * does `onWritten` say so.
 *
 * Why dropping everything up to the last written offset loses nothing: a worker starts a partition at the committed offset, which
 * is never past the last written one plus one, and hands over what it reads without gaps and in order.
 */

import { type Clock, systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { LiveLog } from "./live-log.ts";
import { Selection } from "./selection.ts";
import type { Lines } from "./worker-messages.ts";

export interface WriterOptions {
  readonly file: Pick<LiveLog, "append" | "sync" | "cutToSynced" | "rotateIfDue">;
  /** When lines must be on the disk: never by our doing, after each append, or within so many ms (then for all appends at once). */
  readonly sync?: SyncPolicy;
  /** The last written offset by partition, as the file and its checkpoint have it. */
  readonly offsets: ReadonlyMap<number, number>;
  readonly log: Log;
  /** How long writing may fail before `failed` resolves. */
  readonly giveUpMs?: number;
  readonly clock?: Clock;
}

export type SyncPolicy = "off" | "batch" | number;

interface Waiting {
  readonly lines: Lines;
  readonly onWritten: () => void;
}

export interface WriterTotals {
  lines: number;
  bytes: number;
  suppressedLines: number;
}

const GIVE_UP_MS = 60_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5000;
/** Waiting buffers are appended together up to about this much. */
const TOGETHER_BYTES = 4 * 1024 * 1024;

export class Writer {
  readonly #options: WriterOptions;
  readonly #clock: Clock;
  readonly #offsets: Map<number, number>;
  readonly #failed = Promise.withResolvers<Error>();
  readonly #queue: Waiting[] = [];
  #work: Promise<void> = Promise.resolve();
  #isWorking = false;
  #hasFailed = false;
  /** Appended, to be told when the next sync is through. */
  #unsynced: (() => void)[] = [];
  #cancelSync: (() => void) | undefined;
  #isSyncDue = false;
  readonly totals: WriterTotals = { lines: 0, bytes: 0, suppressedLines: 0 };

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#offsets = new Map(options.offsets);
  }

  /** The last written offset by partition; goes with the file's length between two turns of the event loop. */
  get offsets(): ReadonlyMap<number, number> {
    return this.#offsets;
  }

  /** Resolves with the last error when writing has failed for too long. Nothing is written after that. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Resolves when nothing waits, also for a sync, or after the writer has failed. */
  async whenIdle(): Promise<void> {
    this.syncSoon();
    while (this.#isWorking) {
      await this.#work;
      this.syncSoon();
    }
  }

  push(lines: Lines, onWritten: () => void): void {
    if (this.#hasFailed) return;
    this.#queue.push({ lines, onWritten });
    if (!this.#isWorking) this.#work = this.#run();
  }

  async #run(): Promise<void> {
    this.#isWorking = true;
    try {
      while ((this.#queue.length > 0 || this.#isSyncDue) && !this.#hasFailed) {
        if (this.#queue.length > 0) await this.#writeGroup();
        if (this.#isSyncDue) await this.#syncNow();
        // Not with lines in the file that its sync is still to come for.
        if (this.#unsynced.length === 0) this.#rotateIfDue();
      }
    } finally {
      // In the same turn as the last look at the queue: a buffer pushed right after starts it again.
      this.#isWorking = false;
    }
  }

  async #writeGroup(): Promise<void> {
    const group = this.#takeGroup();
    const selection = new Selection(this.#offsets);
    for (const { lines } of group) selection.add(lines);
    if (selection.pieces.length > 0 && !(await this.#tryUntilDone(() => this.#options.file.append(selection.pieces))))
      return;
    for (const [partition, offset] of selection.offsets) this.#offsets.set(partition, offset);
    this.totals.lines += selection.lines;
    this.totals.bytes += selection.bytes;
    this.totals.suppressedLines += selection.suppressedLines;
    const { sync = "off" } = this.#options;
    if (sync === "off") {
      for (const { onWritten } of group) onWritten();
      return;
    }
    for (const { onWritten } of group) this.#unsynced.push(onWritten);
    if (sync === "batch") this.#isSyncDue = true;
    else this.#cancelSync ??= this.#clock.after(sync, () => this.syncSoon());
  }

  /** What is appended and not yet told goes to the disk now. */
  syncSoon(): void {
    this.#cancelSync?.();
    this.#cancelSync = undefined;
    if (this.#unsynced.length === 0 || this.#hasFailed) return;
    this.#isSyncDue = true;
    if (!this.#isWorking) this.#work = this.#run();
  }

  async #syncNow(): Promise<void> {
    this.#isSyncDue = false;
    const appended = this.#unsynced.splice(0);
    try {
      await this.#options.file.sync();
    } catch (cause) {
      // Not tried again: a system that has dropped what it could not write calls the next sync a success.
      this.#giveUp(cause instanceof Error ? cause : new Error(String(cause)));
      this.#cutToSynced();
      return;
    }
    for (const onWritten of appended) onWritten();
  }

  #cutToSynced(): void {
    try {
      this.#options.file.cutToSynced();
    } catch (cause) {
      this.#options.log.error(
        { error: (cause as Error).message },
        "the log file's end, which is in doubt, cannot be cut",
      );
    }
  }

  /** Closes the file where it is due, also while nothing comes in. */
  rotateWhileIdle(): void {
    if (!this.#isWorking && !this.#hasFailed && this.#unsynced.length === 0) this.#rotateIfDue();
  }

  /** Where it fails, lines go on into the file that there is. */
  #rotateIfDue(): void {
    try {
      this.#options.file.rotateIfDue();
    } catch (cause) {
      this.#options.log.error({ error: (cause as Error).message }, "no new log file could be begun; it is tried again");
    }
  }

  #takeGroup(): Waiting[] {
    let count = 0;
    for (let bytes = 0; count < this.#queue.length && bytes < TOGETHER_BYTES; count++) {
      bytes += this.#queue[count]!.lines.bytes.length;
    }
    return this.#queue.splice(0, count);
  }

  /** Tries until it is done; false where it was given up. */
  async #tryUntilDone(action: () => Promise<void>): Promise<boolean> {
    let failingSinceMs: number | undefined;
    for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2)) {
      try {
        await action();
        if (failingSinceMs !== undefined) this.#options.log.info("writing to the log file works again");
        return true;
      } catch (cause) {
        const error = cause instanceof Error ? cause : new Error(String(cause));
        if (failingSinceMs === undefined) {
          failingSinceMs = this.#clock.nowMs();
          this.#options.log.error(
            { error: error.message },
            "writing to the log file failed; it is tried again, and nothing is committed",
          );
        }
        if (this.#clock.nowMs() - failingSinceMs >= (this.#options.giveUpMs ?? GIVE_UP_MS)) return this.#giveUp(error);
      }
      await new Promise<void>((resolve) => this.#clock.after(backoffMs, resolve));
    }
  }

  #giveUp(error: Error): false {
    this.#hasFailed = true;
    this.#queue.length = 0;
    this.#unsynced.length = 0;
    this.#failed.resolve(error);
    return false;
  }
}
