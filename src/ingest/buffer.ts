/**
 * The linger/batch buffer: events wait here for company before they go to Kafka together.
 *
 * By default it is adaptive: whatever arrives within one turn of the event loop leaves at its end, unless it is little beside what was
 * about at once just before. Then it waits until half of that has come together: while the one half is in Kafka's hands, the other one is
 * taken in. Acknowledgements that come sooner than events do not end that wait, or a quick Kafka would be paid for with small batches,
 * each of which costs serve, librdkafka and the broker the same again. It lasts while company comes, and for some milliseconds at the most
 * (`PATIENCE`). With few about nothing waits. `lingerMs`, `maxEvents` and `maxBytes` set limits instead.
 */
import { type Clock, systemClock } from "../clock.ts";
import type { PendingEvent } from "./event.ts";

export interface BufferOptions {
  /** Undefined, here and below: adaptive. */
  readonly lingerMs: number | undefined;
  readonly maxEvents: number | undefined;
  readonly maxBytes: number | undefined;
  /** Of the processes that share the port (`--processes`). */
  readonly isOneOfSeveral?: boolean;
}

interface Patience {
  /** What leaves together, as a share of what is about. */
  readonly share: number;
  /** The longest wait. */
  readonly maxMs: number;
  /** With fewer about there is nobody to wait for. */
  readonly fromEvents: number;
}

export const PATIENCE: Patience = { share: 1 / 2, maxMs: 2, fromEvents: 8 };
/** Each gathers fewer, sees only its own, and while it waits the others have work for the cores. */
export const PATIENCE_OF_ONE_OF_SEVERAL: Patience = { share: 4 / 5, maxMs: 4, fromEvents: 4 };
/** As many are company enough, whatever is about: of more together each costs the same. */
export const COMPANY_MAX_EVENTS = 256;
export const QUIET_MS = 1;
/** How long it is remembered how many were about: for this long at least, and three times as long at the most. */
export const REMEMBERED_MS = 10;

/** The most that a number has been, of late (`REMEMBERED_MS`). */
class RecentMost {
  #most = 0;
  #mostBefore = 0;
  #sinceMs = 0;

  note(value: number, nowMs: number): void {
    const forMs = nowMs - this.#sinceMs;
    if (forMs >= REMEMBERED_MS) {
      this.#mostBefore = forMs < 2 * REMEMBERED_MS ? this.#most : 0;
      this.#most = 0;
      this.#sinceMs = nowMs;
    }
    this.#most = Math.max(this.#most, value);
  }

  get value(): number {
    return Math.max(this.#most, this.#mostBefore);
  }
}

export class LingerBuffer {
  readonly #flushTo: (batch: readonly PendingEvent[]) => void;
  readonly #lingerMs: number | undefined;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #patience: Patience;
  readonly #about: () => number;
  readonly #clock: Clock;
  readonly #mostAbout = new RecentMost();
  #events: PendingEvent[] = [];
  #bytes = 0;
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #cancelTimer: (() => void) | undefined;
  /** While there was a turn at whose end they were too few: as many go at once. */
  #awaitedEvents: number | undefined;

  /** `about`: how many events have no outcome yet, those in here included. */
  constructor(
    options: BufferOptions,
    about: () => number,
    flushTo: (batch: readonly PendingEvent[]) => void,
    clock: Clock = systemClock,
  ) {
    this.#flushTo = flushTo;
    this.#about = about;
    this.#clock = clock;
    this.#lingerMs = options.lingerMs;
    this.#maxEvents = options.maxEvents ?? Number.POSITIVE_INFINITY;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#patience = options.isOneOfSeveral === true ? PATIENCE_OF_ONE_OF_SEVERAL : PATIENCE;
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
    const { length } = this.#events;
    if (length >= this.#maxEvents || this.#bytes >= this.#maxBytes) this.flush();
    else if (length === 1) this.#schedule();
    else if (this.#awaitedEvents !== undefined && length >= this.#awaitedEvents) this.#flushAfterTurn();
  }

  flush(): void {
    this.#awaitedEvents = undefined;
    clearImmediate(this.#immediate);
    this.#stopTimer();
    if (this.#events.length === 0) return;
    const batch = this.#events;
    this.#events = [];
    this.#bytes = 0;
    this.#flushTo(batch);
  }

  #schedule(): void {
    if (this.#lingerMs === undefined) this.#immediate = setImmediate(() => this.#endTurn());
    else this.#cancelTimer = this.#clock.after(this.#lingerMs, () => this.flush());
  }

  #endTurn(): void {
    const now = this.#clock.nowMs();
    this.#mostAbout.note(this.#about(), now);
    const most = this.#mostAbout.value;
    const { share, fromEvents } = this.#patience;
    const awaited = most < fromEvents ? 0 : Math.min(most * share, COMPANY_MAX_EVENTS);
    if (this.#events.length >= awaited) this.flush();
    else {
      this.#awaitedEvents = awaited;
      this.#holdOn(now);
    }
  }

  /** Until nobody has come for `QUIET_MS`, or patience is at its end. */
  #holdOn(sinceMs: number): void {
    const before = this.#events.length;
    const untilMs = sinceMs + this.#patience.maxMs;
    this.#cancelTimer = this.#clock.after(Math.min(QUIET_MS, untilMs - this.#clock.nowMs()), () => {
      const isOver = this.#events.length === before || this.#clock.nowMs() >= untilMs;
      if (isOver) this.flush();
      else this.#holdOn(sinceMs);
    });
  }

  /** What else came in this turn goes, too. */
  #flushAfterTurn(): void {
    this.#awaitedEvents = undefined;
    this.#stopTimer();
    this.#immediate = setImmediate(() => this.flush());
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
