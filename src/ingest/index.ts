/**
 * Between HTTP and Kafka: admission, the dedupe window, the linger/batch buffer or the spool, and the answer to every event, exactly
 * once and in time.
 *
 * An event is refused at once where the server stops, the budget of events and bytes is used up, or Kafka has been away for over a
 * second and there is no spool. An accepted one is answered with Kafka's word on it, or, should that not come within the delivery
 * timeout, with "unknown". The budget is given back when Kafka's word comes: until then librdkafka holds the bytes.
 */
import { turnMs } from "../clock.ts";
import { OldestFirst } from "../oldest-first.ts";
import { type Outcome, type ReasonCode, type Refused, refused } from "../outcome.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { type BufferOptions, LingerBuffer } from "./buffer.ts";
import { type AcceptedEvent, eventBytes, PendingEvent, type Receiver } from "./event.ts";
import { Latency } from "./latency.ts";
import { type SpoolDoor, SpoolRoute } from "./spool-route.ts";
import { Turnstile } from "./turnstile.ts";
import type { DedupeWindow } from "./window.ts";

export type { BufferOptions } from "./buffer.ts";
export { type DeadLetterReason, DeadLetters, type DeadLettersOptions } from "./dead-letters.ts";
export {
  type AcceptedEvent,
  eventBytes,
  ID_HEADER,
  type PendingEvent,
  RECEIVED_HEADER,
  type Receiver,
} from "./event.ts";
export { Filed, type FiledOptions, type ReadOffsets } from "./filed.ts";
export { LATENCY_BOUNDS_MS } from "./latency.ts";
export type { SpoolDoor } from "./spool-route.ts";
export { SMALL_BYTES } from "./turnstile.ts";
export { DedupeWindow, digestOf, type FoundRecord, POSSIBLE_DUPLICATE_HEADER, SOURCE_HEADER } from "./window.ts";

/** Hands a batch to Kafka; `settle` is called exactly once for each event. */
export type Publish = (batch: readonly PendingEvent[], settle: (event: PendingEvent, outcome: Outcome) => void) => void;

export interface IngestOptions {
  readonly publish: Publish;
  /** How long Kafka has been silent, in ms; 0 while it is reachable. */
  readonly kafkaAwayMs: () => number;
  readonly limits: AdmissionLimits & {
    readonly maxEventBytes: number;
    readonly deliveryTimeoutMs: number;
  };
  readonly buffer: BufferOptions;
  /** Recognises events that are sent again. */
  readonly window?: DedupeWindow | undefined;
  /** Takes events while Kafka is away or slow. */
  readonly spool?: { readonly door: SpoolDoor; readonly afterMs: number } | undefined;
}

export interface IngestCounts {
  readonly accepted: number;
  readonly acked: number;
  readonly spooled: number;
  readonly unknown: number;
  /** Answered from the dedupe window. */
  readonly repeated: number;
  readonly refused: Readonly<Partial<Record<ReasonCode, number>>>;
}

/** Past this silence requests are refused at once instead of waiting for their delivery timeout. */
const AWAY_MS = 1000;
const SWEEP_INTERVAL_MS = 250;

export class Ingest {
  readonly #options: IngestOptions;
  readonly #buffer: LingerBuffer;
  readonly #spool: SpoolRoute | undefined;
  readonly #admission: Admission;
  /** Batches pass it before their events are accepted. */
  readonly turnstile: Turnstile;
  readonly #sweeper: Timer;
  /** Accepted and not answered: on their way to Kafka, and on their way into the spool. */
  readonly #waiting = new OldestFirst<PendingEvent>();
  readonly #spooling = new OldestFirst<PendingEvent>();
  #isDraining = false;
  #idle: PromiseWithResolvers<void> | undefined;
  readonly latency = new Latency();
  readonly #counts = {
    accepted: 0,
    acked: 0,
    spooled: 0,
    unknown: 0,
    repeated: 0,
    refused: {} as Partial<Record<ReasonCode, number>>,
  };

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#admission = new Admission(options.limits);
    this.turnstile = new Turnstile(this.#admission);
    const about = () => this.#admission.events;
    this.#buffer = new LingerBuffer(options.buffer, about, (batch) => options.publish(batch, this.#settle));
    this.#spool =
      options.spool &&
      new SpoolRoute({
        ...options.spool,
        kafkaAwayMs: options.kafkaAwayMs,
        oldestUnackedMs: () => this.oldestMs,
        settle: this.#settle,
      });
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
  }

  /** A refusal at once; or nothing, and `receiver` is told what became of it under `index`, perhaps before this returns. */
  accept(event: AcceptedEvent, receiver: Receiver, index: number): Refused | undefined {
    const { window } = this.#options;
    // An id that was given here is in nobody's hands yet.
    const isRecognised = window !== undefined && event.isIdOwn;
    const refusal = isRecognised ? this.#takeOnce(window, event, receiver, index) : this.#take(event, receiver, index);
    return refusal && this.count(refusal);
  }

  /** Not what was sent before. */
  #takeOnce(window: DedupeWindow, event: AcceptedEvent, receiver: Receiver, index: number): Refused | undefined {
    const hasRoom = () => this.#admission.hasRoomFor(window.twins + 1, 0);
    const verdict = window.look(event, receiver, index, hasRoom);
    switch (verdict.kind) {
      case "publish": {
        const refusal = this.#take(verdict.event, verdict.entry, verdict.attempt);
        if (refusal) verdict.entry.withdraw();
        return refusal;
      }
      case "conflict":
        return refused("id_conflict", "an event with this id and another value was sent before; an id names one event");
      case "refused":
        return refused("overloaded", "too many requests wait for the outcome of events that were sent before");
      case "known":
        this.#counts.repeated++;
        receiver.receive(index, verdict.outcome);
        return undefined;
      case "joined":
        this.#counts.repeated++;
        return undefined;
    }
  }

  #take(event: AcceptedEvent, receiver: Receiver, index: number): Refused | undefined {
    const bytes = eventBytes(event);
    const isSpooled = this.#spool?.takes(event) ?? false;
    const refusal = this.#admit(bytes, isSpooled);
    if (refusal) return refusal;
    this.#counts.accepted++;
    const pending = new PendingEvent(event, bytes, turnMs(), receiver, index);
    pending.isSpooling = isSpooled;
    this.#listOf(pending).add(pending);
    if (isSpooled) this.#spool!.put(pending);
    else this.#buffer.add(pending);
    return undefined;
  }

  #listOf(event: PendingEvent): OldestFirst<PendingEvent> {
    return event.isSpooling ? this.#spooling : this.#waiting;
  }

  #admit(bytes: number, isSpooled: boolean): Refused | undefined {
    const { limits, kafkaAwayMs, window } = this.#options;
    if (this.#isDraining) return refused("shutting_down", "the server is stopping");
    if (bytes > limits.maxEventBytes) {
      return refused(
        "event_too_large",
        `value, key and headers together have ${bytes} bytes; max_event_bytes is ${limits.maxEventBytes}`,
      );
    }
    if (window?.isFilled === false) return refused("starting", "the dedupe window is being filled from the topic");
    if (!isSpooled) {
      const awayMs = kafkaAwayMs();
      if (awayMs > AWAY_MS)
        return refused("kafka_unreachable", `Kafka has been away for ${(awayMs / 1000).toFixed(1)} s`);
    }
    return this.#admission.admit(bytes, window?.twins);
  }

  readonly #settle = (event: PendingEvent, outcome: Outcome): void => {
    const isUnsent = outcome.status === "refused" && outcome.code === "not_delivered";
    if (isUnsent && this.#isDraining && !event.isAnswered && this.#spool?.takesLast(event)) {
      this.#spool.put(event);
      return;
    }
    this.#admission.release(event.bytes);
    if (event.isAnswered) event.learn(outcome);
    else this.#answer(event, outcome);
    this.turnstile.reconsider();
    if (this.#admission.events === 0) this.#idle?.resolve();
  };

  #answer(event: PendingEvent, outcome: Outcome): void {
    this.#listOf(event).remove(event);
    if (outcome.status === "refused") this.count(outcome);
    else this.#counts[outcome.status]++;
    if (outcome.status === "acked") this.latency.note(turnMs() - event.acceptedAt);
    event.answer(outcome);
  }

  /** Counts a refusal; also for those that http gives by itself. */
  count(refusal: Refused): Refused {
    this.#counts.refused[refusal.code] = (this.#counts.refused[refusal.code] ?? 0) + 1;
    return refusal;
  }

  #sweep(): void {
    const now = performance.now();
    this.#admission.tick(now);
    for (const waiting of [this.#waiting, this.#spooling]) this.#giveUp(waiting, now);
  }

  #giveUp(waiting: OldestFirst<PendingEvent>, now: number): void {
    for (let event = waiting.oldest; event !== undefined; event = waiting.oldest) {
      if (now - event.acceptedAt < this.#options.limits.deliveryTimeoutMs) return;
      this.#answer(event, {
        status: "unknown",
        code: "delivery_unknown",
        detail: "no word from Kafka within the delivery timeout; the record may or may not be in the topic",
      });
    }
  }

  /** Why every event is refused as too much at the moment, if that is why: so that nobody need read it first. */
  get whyFull(): Refused | undefined {
    const full = this.#admission.whyFull;
    const { window } = this.#options;
    // A window may know the event's outcome already, which takes no room.
    return full && !window && !this.#isDraining && this.#options.kafkaAwayMs() <= AWAY_MS ? full : undefined;
  }

  /** Of bodies that are on their way in, and of what clients are told that are turned away. */
  get admission(): Omit<Admission, "admit" | "release" | "tick"> {
    return this.#admission;
  }

  get counts(): IngestCounts {
    return this.#counts;
  }

  /** What is accepted and without Kafka's word, and what of it still lingers in the buffer. */
  get fill(): { readonly pendingEvents: number; readonly pendingBytes: number; readonly bufferedEvents: number } {
    return {
      pendingEvents: this.#admission.events,
      pendingBytes: this.#admission.bytes,
      bufferedEvents: this.#buffer.events,
    };
  }

  /** How long the oldest unanswered event has been waiting for Kafka, in ms; 0 where none is. A slow spool must not feed itself. */
  get oldestMs(): number {
    const { oldest } = this.#waiting;
    return oldest === undefined ? 0 : performance.now() - oldest.acceptedAt;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Hands over what lingers. */
  flush(): void {
    this.#buffer.flush();
  }

  /** Takes nothing more, hands over what lingers, and resolves when Kafka's word on everything has come. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.turnstile.open();
    this.#buffer.flush();
    if (this.#admission.events > 0) {
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
