/**
 * Metrics in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). Nothing is counted here:
 * what serve and consume count anyway is read when somebody asks.
 */
export { type ConsumeSources, consumeMetrics } from "./consume.ts";
export { mergedMetrics } from "./merged.ts";
export type { Registry } from "./registry.ts";
export { type ServeSources, serveMetrics } from "./serve.ts";
export { MetricsServer } from "./server.ts";
