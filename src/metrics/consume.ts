/** What consume tells Prometheus. */
import { addProcessMetrics } from "./process.ts";
import { Registry } from "./registry.ts";

export interface ConsumeSources {
  readonly version: string;
  readonly totals: () => { readonly lines: number; readonly bytes: number; readonly suppressedLines: number };
  readonly workers: () => { readonly running: number; readonly replaced: number };
  /** By partition, as of the last time it was asked for: the records in Kafka that the log file does not have. */
  readonly lag: () => ReadonlyMap<number, number>;
  readonly closedFiles: () => number;
  readonly handling: () => { readonly handled: number; readonly retries: number; readonly deadLettered: number };
}

export function consumeMetrics({ version, totals, workers, lag, closedFiles, handling }: ConsumeSources): Registry {
  const registry = new Registry();
  addProcessMetrics(registry, version);
  registry.counter({ name: "sluice_lines_total", help: "Lines written.", read: () => totals().lines });
  registry.counter({ name: "sluice_lines_bytes_total", help: "Bytes of lines written.", read: () => totals().bytes });
  registry.counter({
    name: "sluice_suppressed_lines_total",
    help: "Lines not written because the log file had them.",
    read: () => totals().suppressedLines,
  });
  registry.counter({ name: "sluice_closed_files_total", help: "Log files closed.", read: closedFiles });
  registry.counter({
    name: "sluice_handled_records_total",
    help: "Records that the handler was done with.",
    read: () => handling().handled,
  });
  registry.counter({
    name: "sluice_handler_retries_total",
    help: "Calls of the handler after a failed one.",
    read: () => handling().retries,
  });
  registry.counter({
    name: "sluice_handler_dead_letters_total",
    help: "Records that the handler could not do with.",
    read: () => handling().deadLettered,
  });
  registry.gauge({ name: "sluice_workers", help: "Workers that run.", read: () => workers().running });
  registry.counter({
    name: "sluice_worker_restarts_total",
    help: "Workers that died and were replaced.",
    read: () => workers().replaced,
  });
  registry.gauge({
    name: "sluice_lag_records",
    help: "Records in Kafka that the log file does not have, as of the last time it was asked for.",
    labels: ["partition"],
    read: () => Array.from(lag(), ([partition, records]) => [{ partition }, records]),
  });
  return registry;
}
