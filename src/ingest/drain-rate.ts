/** How fast outcomes come, and so how long a client should wait before it tries again. */

const WINDOW_MS = 1000;
const MAX_RETRY_AFTER_S = 30;
/** Where nothing drains. */
const STALLED_S = 5;

export class DrainRate {
  #perSecond = 0;
  #count = 0;
  #windowStartedAt: number;

  constructor(now: number) {
    this.#windowStartedAt = now;
  }

  /** One event has got its outcome from Kafka. */
  note(): void {
    this.#count++;
  }

  /** Call now and then; `now` in ms on a monotonic clock. */
  tick(now: number): void {
    const elapsed = now - this.#windowStartedAt;
    if (elapsed < WINDOW_MS) return;
    const rate = (this.#count * 1000) / elapsed;
    // Half the past, half the last window: follows a change within seconds without jumping at every pause.
    this.#perSecond = this.#perSecond === 0 ? rate : (this.#perSecond + rate) / 2;
    this.#count = 0;
    this.#windowStartedAt = now;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /**
   * Whole seconds until a backlog of that size should be gone: backlog ÷ drain rate, from 1 to 30, and up to half as much again by
   * `jitter` (0 to 1).
   */
  retryAfterSeconds(backlog: number, jitter: number): number {
    const wait = this.#perSecond > 0 ? backlog / this.#perSecond : backlog > 0 ? STALLED_S : 0;
    return Math.ceil(Math.min(MAX_RETRY_AFTER_S, Math.max(1, wait)) * (1 + jitter / 2));
  }
}
