import type { Clock } from "../../src/clock.ts";

/** Time that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #planned = new Set<{ readonly atMs: number; readonly action: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const plan = { atMs: this.#nowMs + delayMs, action };
    this.#planned.add(plan);
    return () => this.#planned.delete(plan);
  }

  /** When the next action is due, from now; undefined where none is planned. */
  get nextDelayMs(): number | undefined {
    const times = Array.from(this.#planned, ({ atMs }) => atMs - this.#nowMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const plan of this.#planned) {
      if (plan.atMs > this.#nowMs) continue;
      this.#planned.delete(plan);
      plan.action();
    }
  }
}
