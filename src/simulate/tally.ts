/** Counts of a run, kept up to date while it goes on: `sent` is always `acked` + `refused` + `unknown` + what is under way. */
import { build, type Histogram } from "hdr-histogram-js";
import type { Outcome } from "./outcome.ts";

const ONE_HOUR_US = 3_600_000_000;

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Durations in µs to three significant digits, from 1 µs to an hour (what is longer counts as an hour). */
export class Durations {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: ONE_HOUR_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    autoResize: false,
  });

  record(durationMs: number): void {
    this.#histogram.recordValue(Math.min(ONE_HOUR_US, Math.max(0, Math.round(durationMs * 1_000))));
  }

  /** Null where nothing was recorded: a percentile of nothing is not zero. */
  percentilesUs(): Percentiles | null {
    if (this.#histogram.totalCount === 0) return null;
    const at = (percent: number) => this.#histogram.getValueAtPercentile(percent);
    return { p50: at(50), p90: at(90), p99: at(99), max: this.#histogram.maxValue };
  }
}

export class Tally {
  sent = 0;
  sentBytes = 0;
  acked = 0;
  refused = 0;
  unknown = 0;
  readonly refusedByReason = new Map<string, number>();
  readonly unknownByReason = new Map<string, number>();
  /** Of acked events only: a refusal is quick, and would make the service look better the worse it does. */
  readonly latency = new Durations();
  /** With a rate: how long after its intended time an event went out. It is part of the latency. */
  readonly sendDelay = new Durations();

  recordSent(bodyBytes: number): void {
    this.sent++;
    this.sentBytes += bodyBytes;
  }

  recordOutcome(outcome: Outcome, latencyMs: number): void {
    if (outcome.kind === "acked") {
      this.acked++;
      this.latency.record(latencyMs);
      return;
    }
    this[outcome.kind]++;
    const reasons = outcome.kind === "refused" ? this.refusedByReason : this.unknownByReason;
    reasons.set(outcome.reason, (reasons.get(outcome.reason) ?? 0) + 1);
  }
}
