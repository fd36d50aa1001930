/**
 * The turnstile: where enough is under way to Kafka to keep everybody busy, the next batches wait in front of it, as the bytes they
 * came as.
 *
 * An event under way is a handful of objects here and in librdkafka. Of some thousand they stay in the processor's caches; with tens of
 * thousands, from a few dozen senders of large batches, each costs half as much again. More under way is worth it only where Kafka
 * takes its time to answer: then this thread has nothing to do, which is what lets the next ones in. So there is no number to be set for
 * a cluster that is far away.
 *
 * Batches go in as they came. After `PATIENCE_MS` one goes in whatever is under way, as fast as this thread can take what is before it;
 * where that comes to a second, further batches are refused before they are read. While they wait, their bytes count as those of bodies
 * do, and where there is no room for that they go in at once, and admission decides. What waits is not accepted yet: it has neither a
 * time of acceptance nor a deadline.
 */
import { type Clock, systemClock } from "../clock.ts";
import { type Linked, OldestFirst } from "../oldest-first.ts";
import { type Refused, refused } from "../outcome.ts";
import type { Admission } from "./admission.ts";

/** Four batches of a thousand: one that is being taken in, and some in Kafka's hands. */
export const ENOUGH_EVENTS = 4000;
export const PATIENCE_MS = 500;
export const WAIT_MAX_MS = 1000;
/** What is this small brings next to nothing, and never waits. */
export const SMALL_BYTES = 4096;
/** What goes in at a time, or one batch; then the event loop looks at its sockets again. */
const BYTES_AT_A_TIME = 256 * 1024;
const BYTES_WHEN_IDLE = 2 * BYTES_AT_A_TIME;
const TICK_MS = 1;
/** A timer that is later than this had work in front of it. */
const BUSY_MS = 0.5;

class Waiting implements Linked<Waiting> {
  older: Waiting | undefined = undefined;
  newer: Waiting | undefined = undefined;
  isLinked = false;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly enter: () => void;

  constructor(bytes: number, sinceMs: number, enter: () => void) {
    this.bytes = bytes;
    this.sinceMs = sinceMs;
    this.enter = enter;
  }
}

export class Turnstile {
  readonly #budget: Pick<Admission, "events" | "admitWaiting" | "releaseWaiting">;
  readonly #clock: Clock;
  readonly #waiting = new OldestFirst<Waiting>();
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #cancelTick: (() => void) | undefined;
  #isOpen = false;

  constructor(budget: Pick<Admission, "events" | "admitWaiting" | "releaseWaiting">, clock: Clock = systemClock) {
    this.#budget = budget;
    this.#clock = clock;
  }

  /** Calls `enter`, which takes the batch's events and must not throw, once: at once or later. */
  pass(bytes: number, enter: () => void): void {
    const mayEnter = this.#isOpen || bytes <= SMALL_BYTES || (this.#waiting.oldest === undefined && this.#hasRoom);
    if (mayEnter || !this.#budget.admitWaiting(bytes)) {
      enter();
      return;
    }
    this.#waiting.add(new Waiting(bytes, this.#clock.nowMs(), enter));
    this.#awaitIdleness();
  }

  /** Why the next batch should not be read at all, if so: those before it have waited for too long already. */
  get whyFull(): Refused | undefined {
    const { oldest } = this.#waiting;
    if (oldest === undefined) return undefined;
    const waitedMs = this.#clock.nowMs() - oldest.sinceMs;
    if (waitedMs <= WAIT_MAX_MS) return undefined;
    return refused("overloaded", `batches that came before have waited for ${(waitedMs / 1000).toFixed(1)} s`);
  }

  /** Less is under way than before. */
  reconsider(): void {
    if (this.#waiting.oldest === undefined || this.#immediate !== undefined || !this.#hasRoom) return;
    // Not from here: who calls is in the middle of Kafka's answers.
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#letIn(BYTES_AT_A_TIME, ENOUGH_EVENTS);
      this.reconsider();
    });
  }

  /** Lets in what waits, and whatever comes from now on. */
  open(): void {
    this.#isOpen = true;
    clearImmediate(this.#immediate);
    this.#cancelTick?.();
    for (let next = this.#waiting.oldest; next !== undefined; next = this.#waiting.oldest) this.#enter(next);
  }

  get #hasRoom(): boolean {
    return this.#budget.events < ENOUGH_EVENTS;
  }

  /** The next, and those behind it up to so many bytes, and while fewer than so many events are under way. */
  #letIn(maxBytes: number, maxEvents: number): void {
    let bytes = 0;
    for (let next = this.#waiting.oldest; next !== undefined; next = this.#waiting.oldest) {
      if (bytes > 0 && (bytes + next.bytes > maxBytes || this.#budget.events >= maxEvents)) return;
      bytes += next.bytes;
      this.#enter(next);
    }
  }

  #enter(waiting: Waiting): void {
    this.#waiting.remove(waiting);
    this.#budget.releaseWaiting(waiting.bytes);
    waiting.enter();
  }

  #awaitIdleness(): void {
    if (this.#cancelTick !== undefined) return;
    const dueMs = this.#clock.nowMs() + TICK_MS;
    this.#cancelTick = this.#clock.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      const now = this.#clock.nowMs();
      const { oldest } = this.#waiting;
      if (oldest === undefined) return;
      const isDue = now - dueMs < BUSY_MS || now - oldest.sinceMs > PATIENCE_MS;
      if (isDue) this.#letIn(BYTES_WHEN_IDLE, this.#budget.events + ENOUGH_EVENTS);
      if (this.#waiting.oldest !== undefined) this.#awaitIdleness();
    });
  }
}
