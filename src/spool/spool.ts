/** The spool on serve's thread: what is in it is counted here, what goes in is put together here, the disk is its thread's. */
import type { Log } from "../log.ts";
import { Drainer, type DrainOptions } from "./drainer.ts";
import { KeyTable } from "./key-table.ts";
import { rowBytes, type SpooledRecord, type StoredRecord } from "./record.ts";
import { SpoolThread } from "./thread.ts";

export interface SpoolOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly drain: DrainOptions;
  readonly log: Log;
}

export interface SpoolFill {
  readonly events: number;
  /** Rejected events count, too. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Age of the oldest event; 0: none is there. */
  readonly oldestMs: number;
  /** No event was turned away for want of room since there was room again. */
  readonly isFull: boolean;
  /** Set aside because Kafka will never take them. */
  readonly rejected: number;
}

export interface SpoolProblem {
  readonly code: "spool_full" | "spool_failed";
  readonly detail: string;
}

type OnEnd = (problem: SpoolProblem | undefined) => void;

interface Waiting {
  readonly record: StoredRecord;
  readonly onEnd: OnEnd;
}

/** One commit's worth. */
const COMMIT_EVENTS_MAX = 10_000;
const REPORT_INTERVAL_MS = 10_000;

export class Spool {
  readonly #options: SpoolOptions;
  readonly #thread: SpoolThread;
  readonly #drainer: Drainer;
  readonly #keys: KeyTable;
  readonly #queue: Waiting[] = [];
  #events: number;
  #bytes: number;
  #rejected: number;
  #lastSequence: number;
  #oldestAt: number | undefined;
  #isFull = false;
  #isClosing = false;
  #committing: Promise<void> | undefined;
  #failure: string | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: SpoolOptions, { thread, found }: Awaited<ReturnType<typeof SpoolThread.open>>) {
    this.#options = options;
    this.#thread = thread;
    this.#keys = new KeyTable(found.keys);
    this.#events = found.events;
    this.#bytes = found.bytes;
    this.#rejected = found.rejected;
    this.#lastSequence = found.lastSequence;
    if (found.oldestMs !== null) this.#noteOldest({ spooledAtMs: found.oldestMs });
    this.#drainer = new Drainer(
      {
        read: async (after, maxEvents, maxBytes) => {
          const records = await thread.read(after, maxEvents, maxBytes);
          this.#noteOldest(records[0]);
          return records;
        },
        remove: (acked, rejected) => this.#remove(acked, rejected),
      },
      options.drain,
      found.doubtfulUpTo,
    );
    void thread.died.then((reason) => this.#onDeath(reason));
    if (this.#events > 0) this.#drainer.wake();
  }

  /** Takes the folder's spool, or begins one. Rejects with `SpoolError`. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const opened = await SpoolThread.open(options.folder);
    const { found } = opened;
    const { log, folder } = options;
    if (found.setAside)
      log.error({ ...found.setAside }, "the spool's file could not be used; it was set aside, and a new one begun");
    if (found.foreign.length > 0)
      log.warn({ folder, files: found.foreign }, "files in the spool's folder that are not its own; they stay");
    if (found.asideBefore.length > 0)
      log.warn({ folder, files: found.asideBefore }, "spool files that were set aside before still lie there");
    if (found.rejected > 0)
      log.warn(
        { folder, events: found.rejected },
        "the spool holds events that Kafka would not take; they take room in it",
      );
    log.info({ folder, events: found.events, bytes: found.bytes }, "the spool is open");
    return new Spool(options, opened);
  }

  #onDeath(reason: string): void {
    if (this.#isClosing) return;
    this.#failure = reason;
    this.#options.log.error({ reason }, "the spool's thread ended; nothing is spooled until serve is started anew");
    void this.#drainer.stop();
  }

  /** Whether events of this key are in the spool, or may be. */
  holds(topic: string, key: string | null): boolean {
    return this.#keys.holds(topic, key);
  }

  /** `event.bytes` is its size without what a row takes. Calls back once, never before this returns. */
  put(event: SpooledRecord & { readonly bytes: number }, onEnd: OnEnd): void {
    const bytes = rowBytes(event.bytes);
    const problem = this.#problemWith(bytes);
    if (problem) {
      queueMicrotask(() => onEnd(problem));
      return;
    }
    const { topic, key, value, headers, timestampMs } = event;
    const record = { sequence: ++this.#lastSequence, topic, key, value, headers, timestampMs, bytes };
    this.#count(record, 1);
    this.#queue.push({ record, onEnd });
    this.#committing ??= this.#commit();
  }

  #problemWith(bytes: number): SpoolProblem | undefined {
    if (this.#failure !== undefined)
      return { code: "spool_failed", detail: `the spool cannot be used: ${this.#failure}` };
    if (this.#isClosing) return { code: "spool_failed", detail: "the spool is closing" };
    const { maxBytes } = this.#options;
    this.#isFull = this.#bytes + bytes > maxBytes;
    if (!this.#isFull) return undefined;
    const rejected = this.#rejected > 0 ? ` (also of ${this.#rejected} events that Kafka would not take)` : "";
    const detail = `the spool holds ${this.#bytes} bytes${rejected}; spool_max_bytes is ${maxBytes}`;
    return { code: "spool_full", detail };
  }

  /** One commit after the other: what comes meanwhile goes together into the next. */
  async #commit(): Promise<void> {
    // What this turn of the event loop brings goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, COMMIT_EVENTS_MAX);
      const problem = await this.#store(group.map(({ record }) => record));
      if (problem) for (const { record } of group) this.#count(record, -1);
      else this.#oldestAt ??= performance.now();
      for (const { onEnd } of group) onEnd(problem);
      if (!problem) this.#drainer.wake();
    }
    this.#committing = undefined;
  }

  async #store(records: readonly StoredRecord[]): Promise<SpoolProblem | undefined> {
    try {
      await this.#thread.put(records);
      return undefined;
    } catch (cause) {
      const { message } = cause as Error;
      if (performance.now() - this.#reportedAt > REPORT_INTERVAL_MS) {
        this.#reportedAt = performance.now();
        this.#options.log.error({ error: message }, "the spool could not be written; the events were refused");
      }
      return { code: "spool_failed", detail: `the spool could not be written: ${message}` };
    }
  }

  async #remove(
    acked: readonly StoredRecord[],
    rejected: readonly { readonly record: StoredRecord; readonly reason: string }[],
  ): Promise<void> {
    await this.#thread.remove(
      acked.map(({ sequence }) => sequence),
      rejected.map(({ record, reason }) => ({ sequence: record.sequence, reason })),
    );
    for (const record of acked) this.#count(record, -1);
    for (const { record } of rejected) {
      this.#count(record, -1);
      // They stay on the disk.
      this.#bytes += record.bytes;
    }
    this.#rejected += rejected.length;
    this.#isFull = false;
    // The next one's age is known when it is read; it cannot be more than what this one's was.
    if (this.#events === 0) {
      this.#oldestAt = undefined;
      this.#options.log.info("the spool is empty: all of it is in Kafka");
    }
  }

  /** On the clock that does not jump. */
  #noteOldest(oldest: Pick<StoredRecord, "spooledAtMs"> | undefined): void {
    if (oldest?.spooledAtMs !== undefined)
      this.#oldestAt = performance.now() - Math.max(0, Date.now() - oldest.spooledAtMs);
  }

  #count(record: StoredRecord, sign: 1 | -1): void {
    this.#events += sign;
    this.#bytes += sign * record.bytes;
    if (sign > 0) this.#keys.add(record.topic, record.key);
    else this.#keys.remove(record.topic, record.key);
  }

  get fill(): SpoolFill {
    return {
      events: this.#events,
      bytes: this.#bytes,
      maxBytes: this.#options.maxBytes,
      oldestMs: this.#oldestAt === undefined ? 0 : performance.now() - this.#oldestAt,
      isFull: this.#isFull || this.#failure !== undefined,
      rejected: this.#rejected,
    };
  }

  /** Whether the spool takes nothing any more until serve is started anew. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** No more is published from here. What comes can still be put. */
  stopDraining(): Promise<void> {
    return this.#drainer.stop();
  }

  async #closeFile(): Promise<void> {
    try {
      await this.#thread.close(!this.#drainer.hasDoubt);
    } catch (cause) {
      // What is in it was committed with each event.
      this.#options.log.error({ error: (cause as Error).message }, "the spool could not be closed properly");
    }
  }

  /** Commits what came, and closes the file. What is in it stays for the next start. */
  async close(): Promise<void> {
    await this.#drainer.stop();
    while (this.#committing) await this.#committing;
    this.#isClosing = true;
    if (this.#failure === undefined) await this.#closeFile();
    if (this.#events > 0)
      this.#options.log.warn(
        { events: this.#events, bytes: this.#bytes },
        "events stay in the spool for the next start",
      );
  }
}
