/**
 * The turnstile: where enough is under way to Kafka to keep everybody busy, the next batches wait in front of it, as the bytes they
 * came as.
 *
 * An event under way is a handful of objects here and in librdkafka. Of some thousand they stay in the processor's caches; with tens of
 * thousands, from a few dozen senders of large batches, each costs half as much again. More under way is worth it only where Kafka
 * takes its time to answer: then this thread has nothing to do, which is what lets the next ones in. So there is no number to be set for
 * a cluster that is far away.
 *
 * Batches go in as they came, none waits longer than `PATIENCE_MS`, and while they wait, their bytes count as those of bodies do.
 */
import { type Clock, systemClock } from "../clock.ts";
import { type Linked, OldestFirst } from "../oldest-first.ts";
import type { Refused } from "../outcome.ts";
import type { Admission } from "./admission.ts";

/** Four batches of a thousand: one that is being taken in, and some in Kafka's hands. */
export const ENOUGH_EVENTS = 4000;
export const PATIENCE_MS = 250;
/** What goes in at a time, or one batch; then the event loop looks at its sockets again. */
const BYTES_AT_A_TIME = 256 * 1024;
const BYTES_WHEN_IDLE = 2 * BYTES_AT_A_TIME;
const TICK_MS = 1;
/** A timer that is later than this had work in front of it. */
const BUSY_MS = 0.5;

export type Budget = Pick<Admission, "events" | "admitBody" | "releaseBody">;

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
  readonly #budget: Budget;
  readonly #clock: Clock;
  readonly #waiting = new OldestFirst<Waiting>();
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #cancelTick: (() => void) | undefined;
  #isOpen = false;

  constructor(budget: Budget, clock: Clock = systemClock) {
    this.#budget = budget;
    this.#clock = clock;
  }

  /** Calls `enter`, which takes the batch's events and must not throw, once: at once or later. A refusal: it never will. */
  pass(bytes: number, enter: () => void): Refused | undefined {
    if (this.#isOpen || (this.#waiting.oldest === undefined && this.#hasRoom)) {
      enter();
      return undefined;
    }
    const refused = this.#budget.admitBody(bytes);
    if (refused) return refused;
    this.#waiting.add(new Waiting(bytes, this.#clock.nowMs(), enter));
    this.#awaitIdleness();
    return undefined;
  }

  /** Less is under way than before. */
  reconsider(): void {
    if (this.#waiting.oldest === undefined || this.#immediate !== undefined || !this.#hasRoom) return;
    // Not from here: who calls is in the middle of Kafka's answers.
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#letIn(BYTES_AT_A_TIME);
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

  #letIn(maxBytes: number): void {
    let bytes = 0;
    for (let next = this.#waiting.oldest; next !== undefined; next = this.#waiting.oldest) {
      if (bytes > 0 && bytes + next.bytes > maxBytes) return;
      bytes += next.bytes;
      this.#enter(next);
    }
  }

  #enter(waiting: Waiting): void {
    this.#waiting.remove(waiting);
    this.#budget.releaseBody(waiting.bytes);
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
      if (now - dueMs < BUSY_MS || now - oldest.sinceMs > PATIENCE_MS) this.#letIn(BYTES_WHEN_IDLE);
      if (this.#waiting.oldest !== undefined) this.#awaitIdleness();
    });
  }
}
