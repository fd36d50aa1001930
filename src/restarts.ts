/** When a dead worker, thread or process, is replaced: after a growing delay, and not for ever. Pure; times are given. */
export interface RestartLimits {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** A worker that lived this long was healthy: the next delay is the first again. */
  readonly healthyMs: number;
  /** More deaths than `deathsMax` within `windowMs` are too many. */
  readonly deathsMax: number;
  readonly windowMs: number;
}

export const RESTART_LIMITS: RestartLimits = {
  firstDelayMs: 200,
  longestDelayMs: 10_000,
  healthyMs: 60_000,
  deathsMax: 10,
  windowMs: 300_000,
};

export class Restarts {
  readonly #limits: RestartLimits;
  #deathsMs: number[] = [];
  #delayMs: number;

  constructor(limits = RESTART_LIMITS) {
    this.#limits = limits;
    this.#delayMs = limits.firstDelayMs;
  }

  /** A worker that started at `startedMs` died at `nowMs`. Returns how long to wait before the next, or undefined: no next. */
  onDeath(startedMs: number, nowMs: number): number | undefined {
    const { firstDelayMs, longestDelayMs, healthyMs, deathsMax, windowMs } = this.#limits;
    this.#deathsMs = this.#deathsMs.filter((deathMs) => nowMs - deathMs < windowMs);
    this.#deathsMs.push(nowMs);
    if (this.#deathsMs.length > deathsMax) return undefined;
    if (nowMs - startedMs >= healthyMs) this.#delayMs = firstDelayMs;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(longestDelayMs, delayMs * 2);
    return delayMs;
  }
}
