/** The metrics of several processes in one answer: each series once a process, by the label `process`, and never one for another. */
import { AggregatorRegistry, type MetricObject } from "prom-client";
import { Registry } from "./registry.ts";

export interface AllProcesses {
  /** As `Registry.figures` gives them, each with labels of its own. */
  readonly figures: readonly (readonly object[])[];
  readonly running: number;
  readonly replaced: number;
}

export async function mergedMetrics({ figures, running, replaced }: AllProcesses): Promise<Response> {
  const own = new Registry();
  own.gauge({ name: "sluice_processes", help: "Processes that run.", read: () => running });
  own.counter({
    name: "sluice_process_restarts_total",
    help: "Processes that died and were replaced.",
    read: () => replaced,
  });
  const merged = AggregatorRegistry.aggregate([await own.figures({}), ...figures] as MetricObject[][]);
  return new Response(await merged.metrics(), { headers: { "content-type": merged.contentType } });
}
