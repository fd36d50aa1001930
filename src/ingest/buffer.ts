/**
 * The linger/batch buffer: events wait here for company before they go to Kafka together.
 *
 * By default it is adaptive: whatever arrives within one turn of the event loop leaves at its end, unless it is little beside what is
 * under way to Kafka already. Then it waits until it is half of that, as acknowledgements come and events do, for a millisecond at the
 * most. So a lone event is not delayed, and under load there are a few large batches on the way instead of many small ones, each of which
 * costs serve, librdkafka and the broker the same again. `lingerMs`, `maxEvents` and `maxBytes` set limits instead.
 */
import type { PendingEvent } from "./event.ts";

export interface BufferLimits {
  /** Undefined: adaptive. */
  readonly lingerMs: number | undefined;
  readonly maxEvents: number | undefined;
  readonly maxBytes: number | undefined;
}

/** What is under way may be so many times what leaves. */
const UNDER_WAY_RATIO = 2;
/** With fewer events under way there is nobody to wait for. */
const HELD_FROM_EVENTS = 4;
const HELD_MAX_MS = 1;

export class LingerBuffer {
  readonly #flushTo: (batch: readonly PendingEvent[]) => void;
  readonly #lingerMs: number | undefined;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #events: PendingEvent[] = [];
  #bytes = 0;
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #timer: Timer | undefined;
  readonly #underWay: () => number;
  /** There was a turn at whose end it was too little. */
  #isHeld = false;

  /** `underWay`: how many events were handed over and have no outcome yet. */
  constructor(limits: BufferLimits, underWay: () => number, flushTo: (batch: readonly PendingEvent[]) => void) {
    this.#flushTo = flushTo;
    this.#underWay = underWay;
    this.#lingerMs = limits.lingerMs;
    this.#maxEvents = limits.maxEvents ?? Number.POSITIVE_INFINITY;
    this.#maxBytes = limits.maxBytes ?? Number.POSITIVE_INFINITY;
  }

  get events(): number {
    return this.#events.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(event: PendingEvent): void {
    this.#events.push(event);
    this.#bytes += event.bytes;
    if (this.#events.length >= this.#maxEvents || this.#bytes >= this.#maxBytes) this.flush();
    else if (this.#events.length === 1) this.#schedule();
    else if (this.#isHeld) this.reconsider();
  }

  /** Less is under way than before. */
  reconsider(): void {
    if (!this.#isHeld || this.#isTooLittle) return;
    this.#isHeld = false;
    clearTimeout(this.#timer);
    this.#immediate = setImmediate(() => this.flush());
  }

  get #isTooLittle(): boolean {
    const underWay = this.#underWay();
    return underWay >= HELD_FROM_EVENTS && this.#events.length * UNDER_WAY_RATIO < underWay;
  }

  flush(): void {
    this.#isHeld = false;
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    if (this.#events.length === 0) return;
    const batch = this.#events;
    this.#events = [];
    this.#bytes = 0;
    this.#flushTo(batch);
  }

  #schedule(): void {
    if (this.#lingerMs === undefined) this.#immediate = setImmediate(() => this.#endTurn());
    else this.#timer = setTimeout(() => this.flush(), this.#lingerMs);
  }

  #endTurn(): void {
    this.#isHeld = this.#isTooLittle;
    if (this.#isHeld) this.#timer = setTimeout(() => this.flush(), HELD_MAX_MS);
    else this.flush();
  }
}
