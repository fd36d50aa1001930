/**
 * Sees every record through the handler: the batch as a whole, again after a pause where it fails, then record by record. What still
 * fails goes to the dead letters, and only then is it done with. `run` resolves when all of the batch is; it rejects only with
 * `HandlingStopped`.
 */
import { type Clock, systemClock } from "../clock.ts";
import type { KafkaLog } from "../kafka/index.ts";
import type { Handler, HandlerRecord } from "./handler.ts";

export interface HandlerLimits {
  /** Tries after the first, of a batch and of a record alone. */
  readonly retries: number;
  /** Before the first of them; doubled each time, up to `BACKOFF_MAX_MS`. */
  readonly backoffMs: number;
  /** For one call. */
  readonly timeoutMs: number;
}

export interface HandlerRunnerOptions extends HandlerLimits {
  readonly handler: Handler;
  /** Resolves when the record is kept elsewhere. What it rejects with is logged, and it is called again. */
  readonly bury: (record: HandlerRecord, error: Error, attempts: number) => Promise<void>;
  readonly log: KafkaLog;
  readonly clock?: Clock;
}

export interface HandlerCounts {
  handled: number;
  /** Calls after the first. */
  retries: number;
  deadLettered: number;
}

/** The process ends: what was not handled is handled again at the next start. */
export class HandlingStopped extends Error {
  override readonly name = "HandlingStopped";
}

const BACKOFF_MAX_MS = 10_000;

export class HandlerRunner {
  readonly #options: HandlerRunnerOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  /** Ends the call under way as failed. */
  #failCall: ((cause: Error) => void) | undefined;
  readonly counts: HandlerCounts = { handled: 0, retries: 0, deadLettered: 0 };

  constructor(options: HandlerRunnerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** No more tries, and no waiting for the one under way. */
  stop(): void {
    this.#stop.abort();
  }

  /** An error that nobody caught: that of the call under way, as far as can be known. False where none is. */
  fail(cause: Error): boolean {
    this.#failCall?.(cause);
    return this.#failCall !== undefined;
  }

  async run(records: readonly HandlerRecord[]): Promise<void> {
    if (records.length === 0) return;
    const failure = await this.#attempt(records);
    if (failure === undefined) return;
    if (records.length === 1) {
      await this.#bury(records[0]!, failure);
      return;
    }
    for (const record of records) {
      const alone = await this.#attempt([record]);
      if (alone !== undefined) await this.#bury(record, alone);
    }
  }

  /** Undefined where it worked, if not at first. */
  async #attempt(records: readonly HandlerRecord[]): Promise<Error | undefined> {
    const { retries, backoffMs, log } = this.#options;
    for (let retry = 0; ; retry++) {
      const failure = await this.#call(records);
      if (failure === undefined) {
        this.counts.handled += records.length;
        return undefined;
      }
      const [first, last] = [records[0]!, records.at(-1)!];
      log("warn", retry < retries ? "the handler failed; it is tried again" : "the handler failed", {
        error: `${failure.name}: ${failure.message}`,
        records: records.length,
        from: [first.partition, first.offset],
        to: [last.partition, last.offset],
      });
      if (retry === retries) return failure;
      this.counts.retries++;
      await this.#pause(Math.min(BACKOFF_MAX_MS, backoffMs * 2 ** retry));
    }
  }

  async #call(records: readonly HandlerRecord[]): Promise<Error | undefined> {
    const { handler, timeoutMs } = this.#options;
    if (this.#stop.signal.aborted) throw new HandlingStopped();
    const call = new AbortController();
    const { promise: over, reject } = Promise.withResolvers<never>();
    this.#failCall = (cause) => {
      call.abort(cause);
      reject(cause);
    };
    const late = new Error(`the handler took longer than handler_timeout_ms (${timeoutMs})`);
    const cancel = this.#clock.after(timeoutMs, () => this.#failCall?.(late));
    const onStop = () => {
      call.abort();
      reject(new HandlingStopped());
    };
    this.#stop.signal.addEventListener("abort", onStop, { once: true });
    try {
      await Promise.race([over, (async () => handler(records, call.signal))()]);
      return undefined;
    } catch (cause) {
      if (cause instanceof HandlingStopped) throw cause;
      return cause instanceof Error ? cause : new Error(String(cause));
    } finally {
      cancel();
      this.#failCall = undefined;
      this.#stop.signal.removeEventListener("abort", onStop);
    }
  }

  async #bury(record: HandlerRecord, failure: Error): Promise<void> {
    const { bury, log, retries, backoffMs } = this.#options;
    for (let attempt = 0; ; attempt++) {
      if (this.#stop.signal.aborted) throw new HandlingStopped();
      try {
        await this.#unlessStopped(bury(record, failure, retries + 1));
        this.counts.deadLettered++;
        log("error", "the handler cannot do with a record; it was put into the dead-letter topic", {
          error: `${failure.name}: ${failure.message}`,
          partition: record.partition,
          offset: record.offset,
        });
        return;
      } catch (cause) {
        if (cause instanceof HandlingStopped) throw cause;
        log("error", "a dead letter could not be published; it is tried again", { error: String(cause) });
        await this.#pause(Math.min(BACKOFF_MAX_MS, backoffMs * 2 ** Math.min(attempt, 20)));
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(ms, resolve);
    await this.#unlessStopped(promise).finally(cancel);
  }

  /** Rejects with `HandlingStopped` as soon as a stop is asked for. */
  async #unlessStopped<T>(awaited: Promise<T>): Promise<T> {
    const { signal } = this.#stop;
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const onStop = () => reject(new HandlingStopped());
    // What was aborted before says so no more.
    if (signal.aborted) onStop();
    signal.addEventListener("abort", onStop, { once: true });
    try {
      return await Promise.race([stopped, awaited]);
    } finally {
      signal.removeEventListener("abort", onStop);
    }
  }
}
