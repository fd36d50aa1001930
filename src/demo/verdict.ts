/** What the demo concludes. */
import type { Summary } from "../simulate/index.ts";

export interface Findings {
  readonly summary: Summary;
  /** Acked events without a line, lines of one event beyond the first. */
  readonly lost: number;
  readonly duplicated: number;
  readonly logged: number;
  readonly lastWriteUnixMs: number | null;
  readonly logFile: string;
  readonly isEmbedded: boolean;
  /** Pieces that did not end as they should, by name. */
  readonly failures: readonly string[];
}

export function isPassed(f: Findings): boolean {
  const all = f.summary.requested_events;
  return (
    f.summary.acked_events === all && f.logged === all && f.lost === 0 && f.duplicated === 0 && f.failures.length === 0
  );
}

export function verdictText(f: Findings): string {
  const { summary } = f;
  const count = (n: number) => n.toLocaleString("en-US");
  const lag =
    f.lastWriteUnixMs === null || summary.last_ack_unix_ms === null
      ? "unknown"
      : `${Math.max(0, Math.round(f.lastWriteUnixMs - summary.last_ack_unix_ms))} ms`;
  const latency = summary.latency_us;
  const lines = [
    "",
    isPassed(f) ? "PASSED: sent = acked = logged, lost 0, duplicated 0" : "FAILED",
    `  sent         ${count(summary.sent_events)} of ${count(summary.requested_events)}`,
    `  acked        ${count(summary.acked_events)}   (refused ${count(summary.refused_events)}, unknown ${count(summary.unknown_events)})`,
    `  logged       ${count(f.logged)}`,
    `  lost         ${count(f.lost)}`,
    `  duplicated   ${count(f.duplicated)}`,
    `  rate         ${count(Math.round(summary.acked_events_per_s))} acked events/s in ${(summary.elapsed_ms / 1000).toFixed(2)} s`,
    ...(latency
      ? [`  latency      p50 ${(latency.p50 / 1000).toFixed(1)} ms, p99 ${(latency.p99 / 1000).toFixed(1)} ms`]
      : []),
    `  last ack to last line: ${lag}`,
    `  the log      ${f.logFile}`,
    ...f.failures.map((failure) => `  ${failure}`),
  ];
  if (f.isEmbedded) lines.push("  The embedded broker has stopped now, and what it held is gone; the log file stays.");
  return `${lines.join("\n")}\n`;
}
