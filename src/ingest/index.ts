/**
 * Between HTTP and Kafka: admission, the linger/batch buffer, and the answer to every event, exactly once and in time.
 *
 * An event is refused at once where the server stops, Kafka has been away for over a second, or the budget of events and bytes
 * is used up. An accepted one is answered with Kafka's word on it, or, should that not come within the delivery timeout, with
 * "unknown". The budget is given back when Kafka's word comes: until then librdkafka holds the bytes.
 */
import { type Outcome, type ReasonCode, type Refused, refused } from "../outcome.ts";
import { type BufferLimits, LingerBuffer } from "./buffer.ts";
import { DrainRate } from "./drain-rate.ts";
import { type AcceptedEvent, eventBytes, PendingEvent, type Receiver } from "./event.ts";

export type { BufferLimits } from "./buffer.ts";
export { type DeadLetterReason, DeadLetters, type DeadLettersOptions } from "./dead-letters.ts";
export {
  type AcceptedEvent,
  eventBytes,
  ID_HEADER,
  type PendingEvent,
  RECEIVED_HEADER,
  type Receiver,
} from "./event.ts";

/** Hands a batch to Kafka; `settle` is called exactly once for each event. */
export type Publish = (batch: readonly PendingEvent[], settle: (event: PendingEvent, outcome: Outcome) => void) => void;

export interface IngestOptions {
  readonly publish: Publish;
  /** How long Kafka has been silent, in ms; 0 while it is reachable. */
  readonly kafkaAwayMs: () => number;
  readonly limits: {
    readonly maxEventBytes: number;
    readonly maxPendingEvents: number;
    readonly maxPendingBytes: number;
    readonly deliveryTimeoutMs: number;
  };
  readonly buffer: BufferLimits;
}

export interface IngestCounts {
  readonly accepted: number;
  readonly acked: number;
  readonly unknown: number;
  readonly refused: Readonly<Partial<Record<ReasonCode, number>>>;
}

/** Past this silence requests are refused at once instead of waiting for their delivery timeout. */
const AWAY_MS = 1000;
const SWEEP_INTERVAL_MS = 250;

export class Ingest {
  readonly #options: IngestOptions;
  readonly #buffer: LingerBuffer;
  readonly #rate = new DrainRate(performance.now());
  readonly #sweeper: Timer;
  /** Accepted and not answered, oldest first. */
  readonly #waiting = new Set<PendingEvent>();
  /** Accepted and without Kafka's word: at least `#waiting`, plus what the deadline has answered. */
  #pendingEvents = 0;
  #pendingBytes = 0;
  #isDraining = false;
  #idle: PromiseWithResolvers<void> | undefined;
  readonly #counts = { accepted: 0, acked: 0, unknown: 0, refused: {} as Partial<Record<ReasonCode, number>> };

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#buffer = new LingerBuffer(options.buffer, (batch) => options.publish(batch, this.#settle));
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
  }

  /** A refusal at once; or nothing, and `receiver` is told Kafka's word under `index`, perhaps before this returns. */
  accept(event: AcceptedEvent, receiver: Receiver, index: number): Refused | undefined {
    const bytes = eventBytes(event);
    const refusal = this.#admit(bytes);
    if (refusal) return this.count(refusal);
    this.#counts.accepted++;
    this.#pendingEvents++;
    this.#pendingBytes += bytes;
    const pending = new PendingEvent(event, bytes, performance.now(), receiver, index);
    this.#waiting.add(pending);
    this.#buffer.add(pending);
    return undefined;
  }

  #admit(bytes: number): Refused | undefined {
    const { limits } = this.#options;
    if (this.#isDraining) return refused("shutting_down", "the server is stopping");
    if (bytes > limits.maxEventBytes) {
      return refused(
        "event_too_large",
        `value, key and headers together have ${bytes} bytes; max_event_bytes is ${limits.maxEventBytes}`,
      );
    }
    const awayMs = this.#options.kafkaAwayMs();
    if (awayMs > AWAY_MS)
      return refused("kafka_unreachable", `Kafka has been away for ${(awayMs / 1000).toFixed(1)} s`);
    if (this.#pendingEvents >= limits.maxPendingEvents) {
      return refused(
        "overloaded",
        `${this.#pendingEvents} events wait for Kafka; max_pending_events is ${limits.maxPendingEvents}`,
      );
    }
    if (this.#pendingBytes + bytes > limits.maxPendingBytes) {
      return refused(
        "overloaded",
        `${this.#pendingBytes} bytes wait for Kafka; max_pending_bytes is ${limits.maxPendingBytes}`,
      );
    }
    return undefined;
  }

  readonly #settle = (event: PendingEvent, outcome: Outcome): void => {
    this.#pendingEvents--;
    this.#pendingBytes -= event.bytes;
    this.#rate.note();
    this.#answer(event, outcome);
    if (this.#pendingEvents === 0) this.#idle?.resolve();
  };

  #answer(event: PendingEvent, outcome: Outcome): void {
    if (event.isAnswered) return;
    this.#waiting.delete(event);
    if (outcome.status === "acked") this.#counts.acked++;
    else if (outcome.status === "unknown") this.#counts.unknown++;
    else this.count(outcome);
    event.answer(outcome);
  }

  /** Counts a refusal; also for those that http gives by itself. */
  count(refusal: Refused): Refused {
    this.#counts.refused[refusal.code] = (this.#counts.refused[refusal.code] ?? 0) + 1;
    return refusal;
  }

  #sweep(): void {
    const now = performance.now();
    this.#rate.tick(now);
    for (const event of this.#waiting) {
      if (now - event.acceptedAt < this.#options.limits.deliveryTimeoutMs) return;
      this.#answer(event, {
        status: "unknown",
        code: "delivery_unknown",
        detail: "no word from Kafka within the delivery timeout; the record may or may not be in the topic",
      });
    }
  }

  /** Whole seconds that a refused client should wait. */
  get retryAfterSeconds(): number {
    return this.#rate.retryAfterSeconds(this.#pendingEvents);
  }

  get counts(): IngestCounts {
    return this.#counts;
  }

  /** What is accepted and without Kafka's word, and what of it still lingers in the buffer. */
  get fill(): { readonly pendingEvents: number; readonly pendingBytes: number; readonly bufferedEvents: number } {
    return {
      pendingEvents: this.#pendingEvents,
      pendingBytes: this.#pendingBytes,
      bufferedEvents: this.#buffer.events,
    };
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Takes nothing more, hands over what lingers, and resolves when Kafka's word on everything has come. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#buffer.flush();
    if (this.#pendingEvents > 0) {
      this.#idle ??= Promise.withResolvers<void>();
      await this.#idle.promise;
    }
  }

  /** After `drain`, or instead of it: no more deadlines are kept. */
  stop(): void {
    this.#isDraining = true;
    clearInterval(this.#sweeper);
  }
}
