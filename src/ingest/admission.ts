/**
 * Admission: one budget of events and bytes over everything that was taken in and has no end yet, and how long a client should wait
 * that is turned away. Bodies on their way in count as bytes, and so do batches that wait: they are memory too, before anybody knows
 * what is in them.
 *
 * Should the process as a whole come near `maxMemoryBytes`, a tenth of the budget must do: what is in hand then drains, and memory
 * that is not the budget's doing cannot shut the door for good.
 */
import { type Refused, refused } from "../outcome.ts";
import { DrainRate } from "./drain-rate.ts";

export interface AdmissionLimits {
  readonly maxPendingEvents: number;
  readonly maxPendingBytes: number;
  readonly maxMemoryMb: number;
}

const HIGH_MEMORY = 0.9;
const TIGHT_SHARE = 0.1;
const MB = 1_000_000;

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #rate = new DrainRate(performance.now());
  readonly #residentBytes: () => number;
  #events = 0;
  #bytes = 0;
  #bodyBytes = 0;
  #waitingBytes = 0;
  /** The process's memory as of the last `tick`, where it is too much. */
  #tightMb: number | undefined;

  /** `residentBytes` is another one in tests only. */
  constructor(limits: AdmissionLimits, residentBytes = () => process.memoryUsage.rss()) {
    this.#limits = limits;
    this.#residentBytes = residentBytes;
  }

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of bodies that are being read. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** Of batches that were read and wait for their turn. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Takes the event into the budget; or says why not. */
  admit(bytes: number, others = 0): Refused | undefined {
    const { maxPendingEvents, maxPendingBytes } = this.#limits;
    const share = this.#tightMb === undefined ? 1 : TIGHT_SHARE;
    if (this.#events + others >= maxPendingEvents * share) return this.#tooManyEvents(this.#events + others);
    if (this.#bytes + bytes > maxPendingBytes * share) return this.#tooManyBytes();
    this.#events++;
    this.#bytes += bytes;
    return undefined;
  }

  /** Why no event at all would be admitted now, where that is so: known before anybody reads what it is. */
  get whyFull(): Refused | undefined {
    const share = this.#tightMb === undefined ? 1 : TIGHT_SHARE;
    const { maxPendingEvents, maxPendingBytes } = this.#limits;
    if (this.#events >= maxPendingEvents * share) return this.#tooManyEvents(this.#events);
    return this.#bytes >= maxPendingBytes * share ? this.#tooManyBytes() : undefined;
  }

  #tooManyEvents(events: number): Refused {
    const { maxPendingEvents } = this.#limits;
    return this.#tight() ?? full(`${events} events wait for Kafka`, "max_pending_events", maxPendingEvents, events);
  }

  #tooManyBytes(): Refused {
    const { maxPendingBytes } = this.#limits;
    return (
      this.#tight() ?? full(`${this.#bytes} bytes wait for Kafka`, "max_pending_bytes", maxPendingBytes, this.#bytes)
    );
  }

  /** Whether so many events and bytes would be admitted now. */
  hasRoomFor(events: number, bytes: number): boolean {
    const { maxPendingEvents, maxPendingBytes } = this.#limits;
    const isWithin = this.#events + events <= maxPendingEvents && this.#bytes + bytes <= maxPendingBytes;
    return isWithin && this.#tightMb === undefined;
  }

  /** The end of an event that was admitted. */
  release(bytes: number): void {
    this.#events--;
    this.#bytes -= bytes;
    this.#rate.note();
  }

  /** More bytes of a body came, or are about to. */
  admitBody(bytes: number): Refused | undefined {
    const held = this.#bodyBytes + this.#waitingBytes;
    if (held > 0 && held + bytes > this.#maxBodyBytes) {
      const { maxPendingBytes } = this.#limits;
      return (
        this.#tight() ??
        full(
          `${held} bytes of bodies are being read, or wait to be taken in`,
          "max_pending_bytes",
          maxPendingBytes,
          held,
        )
      );
    }
    this.#bodyBytes += bytes;
    return undefined;
  }

  releaseBody(bytes: number): void {
    this.#bodyBytes -= bytes;
  }

  /** Whether bodies that are being read take more than half of what they may: slow ones then keep out those of others. */
  get isCrowdedByBodies(): boolean {
    return this.#bodyBytes > this.#maxBodyBytes / 2;
  }

  /** A batch that was read would wait; or there is no room for that. */
  admitWaiting(bytes: number): boolean {
    if (this.#bodyBytes + this.#waitingBytes + bytes > this.#maxBodyBytes) return false;
    this.#waitingBytes += bytes;
    return true;
  }

  releaseWaiting(bytes: number): void {
    this.#waitingBytes -= bytes;
  }

  /** Bodies, read or not, have as much room again as events. */
  get #maxBodyBytes(): number {
    return this.#limits.maxPendingBytes * (this.#tightMb === undefined ? 1 : TIGHT_SHARE);
  }

  #tight(): Refused | undefined {
    if (this.#tightMb === undefined) return undefined;
    return full(`the process uses ${this.#tightMb} MB`, "max_memory_mb", this.#limits.maxMemoryMb, this.#tightMb);
  }

  /** Call a few times a second; `now` in ms on a monotonic clock. */
  tick(now: number): void {
    this.#rate.tick(now);
    const resident = this.#residentBytes();
    const isTight = resident > this.#limits.maxMemoryMb * MB * HIGH_MEMORY;
    // What is garbage by now would keep the door half shut for nothing.
    if (isTight && this.#tightMb === undefined) Bun.gc(true);
    this.#tightMb = isTight ? Math.round(resident / MB) : undefined;
  }

  /** Whole seconds: backlog ÷ drain rate, with up to half of it on top, so that those turned away together do not come back together. */
  get retryAfterSeconds(): number {
    return this.#rate.retryAfterSeconds(this.#events, Math.random());
  }
}

function full(what: string, name: string, max: number, actual: number): Refused {
  return refused("overloaded", `${what}; ${name} is ${max}`, { name, max, actual });
}
