/**
 * The linger/batch buffer: events wait here for company before they go to Kafka together.
 *
 * By default it is adaptive: whatever arrives within one turn of the event loop leaves at its end. A lone event is not delayed;
 * under load a turn brings many, and batches grow with it. `lingerMs`, `maxEvents` and `maxBytes` set limits instead.
 */
import type { PendingEvent } from "./event.ts";

export interface BufferLimits {
  /** Undefined: adaptive. */
  readonly lingerMs: number | undefined;
  readonly maxEvents: number | undefined;
  readonly maxBytes: number | undefined;
}

export class LingerBuffer {
  readonly #flushTo: (batch: readonly PendingEvent[]) => void;
  readonly #lingerMs: number | undefined;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #events: PendingEvent[] = [];
  #bytes = 0;
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #timer: Timer | undefined;

  constructor(limits: BufferLimits, flushTo: (batch: readonly PendingEvent[]) => void) {
    this.#flushTo = flushTo;
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
  }

  flush(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    if (this.#events.length === 0) return;
    const batch = this.#events;
    this.#events = [];
    this.#bytes = 0;
    this.#flushTo(batch);
  }

  #schedule(): void {
    if (this.#lingerMs === undefined) this.#immediate = setImmediate(() => this.flush());
    else this.#timer = setTimeout(() => this.flush(), this.#lingerMs);
  }
}
