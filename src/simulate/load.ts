/**
 * Sends a run's events, at most `concurrency` under way at once, and keeps the tally. `run` returns when every event that was
 * sent has its outcome; `stop` ends the sending early, and what is under way still gets its outcome.
 *
 * With a rate it is an open loop. Event n has an intended time, start + n / rate, whatever became of the events before it, and its
 * latency counts from that time, not from when a connection was free for it. Otherwise a service that stalls would also stall the
 * measuring, and the events that should have been sent meanwhile would be missing from the percentiles. That error is Gil Tene's
 * "coordinated omission" (his talk "How NOT to Measure Latency"); wrk2 corrects it in this same way. Without a rate there is no
 * intended time: the latency is that of the request alone, and says nothing of how the service does under a given load.
 */
import type { Clock } from "../clock.ts";
import type { EventSource, SimulatedEvent } from "./events.ts";
import type { Outcome } from "./outcome.ts";
import type { Tally } from "./tally.ts";

/** Connections that failed in a row before the rest is given up: nobody is there, and 10,000 attempts more will not tell more. */
export const MAX_FAILED_CONNECTIONS = 20;

export type Ending = "complete" | "interrupted" | "unreachable";

export interface LoadPlan {
  readonly events: number;
  readonly concurrency: number;
  /** 0: as fast as answers come. */
  readonly ratePerS: number;
}

export interface LoadParts {
  readonly source: EventSource;
  readonly post: (event: SimulatedEvent) => Promise<Outcome>;
  readonly clock: Clock;
  readonly tally: Tally;
}

export class Load {
  readonly #plan: LoadPlan;
  readonly #parts: LoadParts;
  #startMs = 0;
  #lastOutcomeMs = 0;
  #lastAckMs: number | undefined;
  #underWay = 0;
  #failedConnections = 0;
  #connectFailure: string | undefined;
  #ending: Ending = "complete";
  #wake: () => void = () => {};

  constructor(plan: LoadPlan, parts: LoadParts) {
    this.#plan = plan;
    this.#parts = parts;
  }

  get ending(): Ending {
    return this.#ending;
  }

  /** Why no connection came about, where the load was given up for that. */
  get connectFailure(): string | undefined {
    return this.#ending === "unreachable" ? this.#connectFailure : undefined;
  }

  /** From the start to the last outcome. */
  get elapsedMs(): number {
    return this.#lastOutcomeMs - this.#startMs;
  }

  /** From the start to the last ack. */
  get lastAckMs(): number | undefined {
    return this.#lastAckMs === undefined ? undefined : this.#lastAckMs - this.#startMs;
  }

  async run(): Promise<void> {
    const { clock, tally } = this.#parts;
    this.#startMs = clock.nowMs();
    this.#lastOutcomeMs = this.#startMs;
    while (this.#ending === "complete" && tally.sent < this.#plan.events) {
      const waitMs = this.#intendedMs(tally.sent) - clock.nowMs();
      if (this.#underWay >= this.#plan.concurrency) await this.#somethingHappens();
      else if (waitMs > 0) await this.#somethingHappens(waitMs);
      else this.#sendNext();
    }
    while (this.#underWay > 0) await this.#somethingHappens();
  }

  stop(ending: Exclude<Ending, "complete"> = "interrupted"): void {
    if (this.#ending === "complete" && this.#parts.tally.sent < this.#plan.events) this.#ending = ending;
    this.#wake();
  }

  #intendedMs(index: number): number {
    return this.#plan.ratePerS === 0 ? this.#startMs : this.#startMs + (index * 1_000) / this.#plan.ratePerS;
  }

  #sendNext(): void {
    const { source, clock, tally, post } = this.#parts;
    const intendedMs = this.#intendedMs(tally.sent);
    const event = source.next();
    const sentMs = clock.nowMs();
    const isPaced = this.#plan.ratePerS > 0;
    if (isPaced) tally.sendDelay.record(sentMs - intendedMs);
    tally.recordSent(Buffer.byteLength(event.body));
    this.#underWay++;
    void post(event).then((outcome) => this.#settle(outcome, isPaced ? intendedMs : sentMs));
  }

  #settle(outcome: Outcome, sinceMs: number): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#parts.tally.recordOutcome(outcome, nowMs - sinceMs);
    this.#underWay--;
    this.#lastOutcomeMs = nowMs;
    if (outcome.kind === "acked") this.#lastAckMs = nowMs;
    this.#watchConnections(outcome);
    this.#wake();
  }

  #watchConnections(outcome: Outcome): void {
    if (outcome.isConnected) {
      this.#failedConnections = 0;
      return;
    }
    this.#failedConnections++;
    this.#connectFailure = outcome.reason;
    if (this.#failedConnections >= MAX_FAILED_CONNECTIONS) this.stop("unreachable");
  }

  /** Waits for an outcome or a stop, or for `atMostMs` to pass. */
  #somethingHappens(atMostMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = atMostMs === undefined ? undefined : this.#parts.clock.after(atMostMs, resolve);
      this.#wake = () => {
        cancel?.();
        resolve();
      };
    });
  }
}
