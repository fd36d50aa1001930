/**
 * From the spool to Kafka, oldest first. One chunk is under way at a time, and what of it was not acknowledged goes again before
 * anything behind it. A chunk begins at one event, doubles while all goes well, and falls back to one when something fails: so a Kafka
 * that is only half back is asked with little.
 *
 * Order: within a chunk Kafka's client keeps it. Should a record time out there while a later one of its key is acknowledged, it comes
 * behind that one: the same that happens to a client who sends again after a time-out.
 */
import { type Clock, systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { CHUNK_EVENTS_MAX, type SpooledRecord, type StoredRecord } from "./record.ts";

/** As far as the spool wants to know. */
export type SpoolOutcome =
  | { readonly status: "acked" | "unknown" | "spooled" }
  | { readonly status: "refused"; readonly code: string; readonly detail: string };

/** Hands records to Kafka; `settle` is called exactly once for each. */
export type PublishRecords = (
  records: readonly SpooledRecord[],
  settle: (record: SpooledRecord, outcome: SpoolOutcome) => void,
) => void;

export interface DrainOptions {
  readonly publish: PublishRecords;
  readonly isKafkaThere: () => boolean;
  /** How busy the way to Kafka is with other events, from 0 to 1. */
  readonly pressure: () => number;
  readonly log: Log;
  readonly clock?: Clock;
}

/** The drainer's way to the disk. */
export interface Shelf {
  read(after: number, maxEvents: number, maxBytes: number): Promise<StoredRecord[]>;
  /** These are done with: in Kafka, or refused for good. */
  remove(
    acked: readonly StoredRecord[],
    rejected: readonly { readonly record: StoredRecord; readonly reason: string }[],
  ): Promise<void>;
}

const CHUNK_BYTES_MAX = 4_000_000;
const RETRY_MS = 500;
/** While Kafka is away. */
const LOOK_MS = 200;
/** Above it live traffic is let go first, but for so few events so often: else a spool might never be emptied. */
const PRESSURE_MAX = 0.5;
const PAUSE_MS = 50;
const BUSY_CHUNK_EVENTS = 64;
const BUSY_INTERVAL_MS = 1000;
/** How often it is said that the spool cannot be read or written. */
const REPORT_INTERVAL_MS = 10_000;
/** What Kafka says of a record that it will never take. */
const NEVER: ReadonlySet<string> = new Set(["rejected_by_kafka", "event_too_large"]);
const MARK = ["possible_duplicate", "true"] as const;

export class Drainer {
  readonly #options: DrainOptions;
  readonly #shelf: Shelf;
  readonly #clock: Clock;
  readonly #stopped = Promise.withResolvers<void>();
  #chunkEvents = 1;
  #isStopped = false;
  #run: Promise<void> | undefined;
  /** Something came since the spool was last looked into. */
  #isWoken = false;
  #lastChunkMs = Number.NEGATIVE_INFINITY;
  #reportedMs = Number.NEGATIVE_INFINITY;
  /** Sequences that may be in Kafka already; and all up to this one. */
  readonly #doubtful = new Set<number>();
  #doubtfulUpTo: number;

  /** `doubtfulUpTo`: what of the spool a process before may have published and not removed. */
  constructor(shelf: Shelf, options: DrainOptions, doubtfulUpTo = 0) {
    this.#shelf = shelf;
    this.#options = options;
    this.#doubtfulUpTo = doubtfulUpTo;
    this.#clock = options.clock ?? systemClock;
  }

  /** There is something in the spool. */
  wake(): void {
    this.#isWoken = true;
    if (!this.#isStopped) this.#run ??= this.#drain();
  }

  /** Resolves when the chunk under way, if one is, has its outcomes and is removed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve();
    await this.#run;
  }

  /** Whether something is in the spool that may be in Kafka already, and is not marked so the next time. */
  get hasDoubt(): boolean {
    return this.#doubtful.size > 0 || this.#doubtfulUpTo > 0;
  }

  async #drain(): Promise<void> {
    while (!this.#isStopped) {
      try {
        if (!this.#options.isKafkaThere()) {
          await this.#pause(LOOK_MS);
          continue;
        }
        const isBusy = this.#options.pressure() > PRESSURE_MAX;
        if (isBusy && this.#clock.nowMs() - this.#lastChunkMs < BUSY_INTERVAL_MS) await this.#pause(PAUSE_MS);
        else if (!(await this.#drainChunk(isBusy)) && !this.#isWoken) break;
      } catch (cause) {
        this.#report(cause, "draining the spool failed; it is tried again");
        await this.#pause(RETRY_MS);
      }
    }
    this.#run = undefined;
  }

  #report(cause: unknown, what: string): void {
    if (this.#clock.nowMs() - this.#reportedMs < REPORT_INTERVAL_MS) return;
    this.#reportedMs = this.#clock.nowMs();
    this.#options.log.error({ error: (cause as Error).message }, what);
  }

  /** False where the spool is empty. */
  async #drainChunk(isBusy: boolean): Promise<boolean> {
    this.#isWoken = false;
    const most = isBusy ? Math.min(this.#chunkEvents, BUSY_CHUNK_EVENTS) : this.#chunkEvents;
    const records = await this.#shelf.read(0, most, CHUNK_BYTES_MAX);
    if (this.#doubtfulUpTo < (records[0]?.sequence ?? Number.POSITIVE_INFINITY)) this.#doubtfulUpTo = 0;
    if (records.length === 0) return false;
    const startedMs = this.#clock.nowMs();
    this.#lastChunkMs = startedMs;
    const outcomes = await this.#publish(records);
    const acked: StoredRecord[] = [];
    const rejected: { record: StoredRecord; reason: string }[] = [];
    records.forEach((record, index) => {
      const outcome = outcomes[index]!;
      if (outcome.status === "acked") acked.push(record);
      else if (outcome.status === "refused" && NEVER.has(outcome.code))
        rejected.push({ record, reason: `${outcome.code}: ${outcome.detail}` });
      else if (outcome.status === "unknown") this.#doubtful.add(record.sequence);
    });
    for (const { record, reason } of rejected)
      this.#options.log.error(
        { sequence: record.sequence, topic: record.topic, reason },
        "Kafka will never take this spooled event; it is set aside",
      );
    for (const { sequence } of acked) this.#doubtful.add(sequence);
    await this.#untilRemoved(acked, rejected);
    for (const { sequence } of acked) this.#doubtful.delete(sequence);
    for (const { record } of rejected) this.#doubtful.delete(record.sequence);
    if (acked.length + rejected.length < records.length) {
      this.#chunkEvents = 1;
      await this.#pause(RETRY_MS);
    } else {
      this.#chunkEvents = Math.min(CHUNK_EVENTS_MAX, this.#chunkEvents * 2);
      // Half of the time is for others, where there are any.
      if (this.#options.pressure() > 0) await this.#pause(this.#clock.nowMs() - startedMs);
    }
    return true;
  }

  /** What is in Kafka must not go there again for want of room on the disk. */
  async #untilRemoved(...done: Parameters<Shelf["remove"]>): Promise<void> {
    for (;;) {
      try {
        await this.#shelf.remove(...done);
        return;
      } catch (cause) {
        this.#report(cause, "the spool could not be written; it is tried again");
        if (this.#isStopped) throw cause;
        await this.#pause(RETRY_MS);
      }
    }
  }

  #publish(records: readonly StoredRecord[]): Promise<SpoolOutcome[]> {
    const { promise, resolve } = Promise.withResolvers<SpoolOutcome[]>();
    const outcomes: SpoolOutcome[] = new Array(records.length);
    const places = new Map<SpooledRecord, number>();
    const sent = records.map((record, index) => {
      const isDoubtful = record.sequence <= this.#doubtfulUpTo || this.#doubtful.has(record.sequence);
      const headers = isDoubtful ? [...record.headers, MARK] : record.headers;
      const one: SpooledRecord = { ...record, headers };
      places.set(one, index);
      return one;
    });
    let open = sent.length;
    this.#options.publish(sent, (record, outcome) => {
      outcomes[places.get(record)!] = outcome;
      if (--open === 0) resolve(outcomes);
    });
    return promise;
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(ms, resolve);
    await Promise.race([promise, this.#stopped.promise]);
    cancel();
  }
}
