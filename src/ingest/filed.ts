/**
 * `?ack=filed`: the answer waits until the consumer group has committed past the record, which it does only when the line is in its
 * log file. The group is asked from outside, without joining it, and only while somebody waits.
 *
 * Where Kafka acknowledged without an offset, the partition's high watermark of that moment stands in for it: the record is below.
 * Past the time for it the answer says acked, since that it is.
 */
import { type Clock, systemClock } from "../clock.ts";
import type { Acked } from "../outcome.ts";
import type { Receiver } from "./event.ts";

/** By partition: the offset that comes next. Rejects where Kafka does not answer. */
export type ReadOffsets = (topic: string, partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>;

export interface FiledOptions {
  readonly readCommitted: ReadOffsets;
  readonly readHighWatermarks: ReadOffsets;
  readonly timeoutMs: number;
  /** Past it, one more is answered at once. */
  readonly maxWaiting: number;
  readonly clock?: Clock;
}

const INTERVAL_MS = 100;

interface Waiting {
  readonly receiver: Receiver;
  readonly index: number;
  readonly outcome: Acked;
  readonly deadlineMs: number;
  /** The group must have committed at least this; undefined until the high watermark is known. */
  target: number | undefined;
}

export class Filed {
  readonly #options: FiledOptions;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Waiting>>();
  #count = 0;
  #isAsking = false;
  #isClosed = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: FiledOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get waiting(): number {
    return this.#count;
  }

  /** A receiver that tells `receiver` an acked outcome only when it is filed, or the time for that is over. */
  before(receiver: Receiver): Receiver {
    return {
      receive: (index, outcome) => {
        if (outcome.status === "acked") this.#wait(receiver, index, outcome);
        else receiver.receive(index, outcome);
      },
    };
  }

  #wait(receiver: Receiver, index: number, outcome: Acked): void {
    if (this.#isClosed || this.#count >= this.#options.maxWaiting) {
      receiver.receive(index, { ...outcome, isFiled: false });
      return;
    }
    const group = this.#waiting.get(outcome.topic) ?? new Set();
    this.#waiting.set(outcome.topic, group);
    const target = outcome.offset === null ? undefined : outcome.offset + 1;
    group.add({ receiver, index, outcome, deadlineMs: this.#clock.nowMs() + this.#options.timeoutMs, target });
    this.#count++;
    if (!this.#isAsking) void this.#ask();
  }

  /** Goes on while somebody waits. */
  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#count > 0) {
      await Promise.all(Array.from(this.#waiting, ([topic, group]) => this.#askFor(topic, group)));
      this.#expire();
      if (this.#count > 0) await new Promise<void>((resolve) => this.#clock.after(INTERVAL_MS, resolve));
    }
    this.#isAsking = false;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  async #askFor(topic: string, group: ReadonlySet<Waiting>): Promise<void> {
    if (group.size === 0) return;
    try {
      const nameless = [...group].filter((waiting) => waiting.target === undefined);
      if (nameless.length > 0) {
        const high = await this.#options.readHighWatermarks(topic, partitionsOf(nameless));
        for (const waiting of nameless) waiting.target = high.get(waiting.outcome.partition);
      }
      const committed = await this.#options.readCommitted(topic, partitionsOf(group));
      for (const waiting of group) {
        const { target, outcome } = waiting;
        if (target !== undefined && (committed.get(outcome.partition) ?? -1) >= target) this.#end(waiting, true);
      }
    } catch {
      // Kafka's own log lines say why; who waits is answered at the latest when the time is over.
    }
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs();
    for (const group of this.#waiting.values()) {
      // In the order of their deadlines.
      for (const waiting of group) {
        if (waiting.deadlineMs > nowMs && !this.#isClosed) break;
        this.#end(waiting, false);
      }
    }
  }

  #end(waiting: Waiting, isFiled: boolean): void {
    const { receiver, index, outcome } = waiting;
    if (!this.#waiting.get(outcome.topic)?.delete(waiting)) return;
    this.#count--;
    receiver.receive(index, { ...outcome, isFiled });
  }

  /** Resolves when nobody waits. */
  get whenIdle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Whoever still waits is told that the record is acked. */
  close(): void {
    this.#isClosed = true;
    this.#expire();
  }
}

function partitionsOf(waiting: Iterable<Waiting>): number[] {
  const partitions = new Set<number>();
  for (const { outcome } of waiting) partitions.add(outcome.partition);
  return [...partitions];
}
