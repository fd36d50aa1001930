/** GET /get_status: whether events can be taken right now, and how it goes. 200, or 503 while Kafka is unreachable or the server stops. */
import type { Ingest } from "../ingest/index.ts";

export interface KafkaState {
  readonly isReachable: boolean;
  readonly awayMs: number;
  readonly brokers: string;
  readonly topic: string;
  readonly isTopicReady: boolean;
}

export interface StatusOptions {
  readonly ingest: Ingest;
  readonly kafka: () => KafkaState;
  readonly version: string;
  readonly limits: { readonly maxPendingEvents: number; readonly maxPendingBytes: number };
}

export function statusResponse(options: StatusOptions): Response {
  const { ingest, limits } = options;
  const kafka = options.kafka();
  const isServing = kafka.isReachable && !ingest.isDraining;
  const body = {
    status: ingest.isDraining ? "stopping" : kafka.isReachable ? "ok" : "kafka_unreachable",
    version: options.version,
    uptime_ms: Math.round(process.uptime() * 1000),
    kafka: {
      reachable: kafka.isReachable,
      away_ms: Math.round(kafka.awayMs),
      brokers: kafka.brokers,
      topic: kafka.topic,
      topic_ready: kafka.isTopicReady,
    },
    buffer: {
      pending_events: ingest.fill.pendingEvents,
      max_pending_events: limits.maxPendingEvents,
      pending_bytes: ingest.fill.pendingBytes,
      max_pending_bytes: limits.maxPendingBytes,
      lingering_events: ingest.fill.bufferedEvents,
    },
    counts: ingest.counts,
  };
  return Response.json(body, { status: isServing ? 200 : 503, headers: { "cache-control": "no-store" } });
}
