/** The summary of a run: as one object with stable names (`--json`), and as text. */
import type { Ending } from "./load.ts";
import type { Percentiles, Tally } from "./tally.ts";

/** These names are an interface: programs read them. Units end the name; times are since 1970. */
export interface Summary {
  readonly url: string;
  readonly seed: number;
  readonly concurrency: number;
  readonly rate_per_s: number;
  /** `complete`: all were sent. `interrupted`: by a signal. `unreachable`: given up because no connection came about. */
  readonly ending: Ending;
  /** Why no connection came about, where `ending` is `unreachable`. */
  readonly unreachable_reason: string | null;
  readonly requested_events: number;
  /** `sent_events` = `acked_events` + `refused_events` + `unknown_events`; with `unsent_events` it is `requested_events`. */
  readonly sent_events: number;
  readonly unsent_events: number;
  readonly acked_events: number;
  readonly refused_events: number;
  readonly unknown_events: number;
  readonly refused_events_by_reason: Readonly<Record<string, number>>;
  readonly unknown_events_by_reason: Readonly<Record<string, number>>;
  readonly sent_bytes: number;
  readonly elapsed_ms: number;
  readonly acked_events_per_s: number;
  /** Of acked events; with a rate, from the intended time of sending. Null where there were none. */
  readonly latency_us: Percentiles | null;
  /** With a rate: how long after their intended time events went out. */
  readonly send_delay_us: Percentiles | null;
  readonly started_unix_ms: number;
  readonly last_ack_unix_ms: number | null;
}

export interface Run {
  readonly url: string;
  readonly seed: number;
  readonly events: number;
  readonly concurrency: number;
  readonly ratePerS: number;
  readonly ending: Ending;
  readonly connectFailure: string | undefined;
  readonly startedUnixMs: number;
  readonly elapsedMs: number;
  /** From the start. */
  readonly lastAckMs: number | undefined;
}

export function summarize(run: Run, tally: Tally): Summary {
  return {
    url: run.url,
    seed: run.seed,
    concurrency: run.concurrency,
    rate_per_s: run.ratePerS,
    ending: run.ending,
    unreachable_reason: run.connectFailure ?? null,
    requested_events: run.events,
    sent_events: tally.sent,
    unsent_events: run.events - tally.sent,
    acked_events: tally.acked,
    refused_events: tally.refused,
    unknown_events: tally.unknown,
    refused_events_by_reason: mostFirst(tally.refusedByReason),
    unknown_events_by_reason: mostFirst(tally.unknownByReason),
    sent_bytes: tally.sentBytes,
    elapsed_ms: Math.round(run.elapsedMs),
    acked_events_per_s: run.elapsedMs > 0 ? Math.round((tally.acked * 1_000) / run.elapsedMs) : 0,
    latency_us: tally.latency.percentilesUs(),
    send_delay_us: tally.sendDelay.percentilesUs(),
    started_unix_ms: Math.round(run.startedUnixMs),
    last_ack_unix_ms: run.lastAckMs === undefined ? null : Math.round(run.startedUnixMs + run.lastAckMs),
  };
}

export function isAllAcked(summary: Summary): boolean {
  return summary.acked_events === summary.requested_events;
}

export function summaryText(summary: Summary): string {
  const lines = [
    `sent     ${count(summary.sent_events)} of ${count(summary.requested_events)} events to ${summary.url}, seed ${summary.seed}`,
    `acked    ${count(summary.acked_events)}`,
    `refused  ${count(summary.refused_events)}${reasons(summary.refused_events_by_reason)}`,
    `unknown  ${count(summary.unknown_events)}${reasons(summary.unknown_events_by_reason)}`,
    `time     ${(summary.elapsed_ms / 1_000).toFixed(2)} s, ${count(summary.acked_events_per_s)} acked events/s`,
    `latency  ${percentiles(summary.latency_us)}`,
  ];
  if (summary.send_delay_us)
    lines.push(`delay    ${percentiles(summary.send_delay_us)} (from intended to sent; part of the latency)`);
  const reason = endingText(summary);
  if (reason) lines.push(reason);
  return lines.join("\n") + "\n";
}

/** Why not all were sent, as a sentence; nothing where all were. */
export function endingText(summary: Summary): string | undefined {
  const unsent = `${count(summary.unsent_events)} of ${count(summary.requested_events)} events were not sent`;
  if (summary.ending === "interrupted") return `Interrupted: ${unsent}.`;
  if (summary.ending === "complete") return undefined;
  return `Gave up: could not connect to ${summary.url} (${summary.unreachable_reason}). ${unsent}. Is serve running there?`;
}

function mostFirst(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

function reasons(counts: Readonly<Record<string, number>>): string {
  const list = Object.entries(counts).map(([reason, events]) => `${reason} ${count(events)}`);
  return list.length === 0 ? "" : `  (${list.join(", ")})`;
}

function percentiles(values: Percentiles | null): string {
  if (values === null) return "none: nothing was acked";
  const ms = (us: number) => `${(us / 1_000).toFixed(2)} ms`;
  return `p50 ${ms(values.p50)}, p90 ${ms(values.p90)}, p99 ${ms(values.p99)}, max ${ms(values.max)}`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}
