/** How it goes: /get_status for people and dashboards, /readyz and /livez for load balancers and whoever restarts processes. */
import type { Ingest } from "../ingest/index.ts";

export interface ServerState {
  readonly kafka: {
    readonly isReachable: boolean;
    readonly awayMs: number;
    /** Undefined where strangers may ask. */
    readonly brokers: string | undefined;
    readonly topic: string;
    readonly isTopicReady: boolean;
  };
  /** Stops, or is about to: nothing should be sent here any more. */
  readonly isStopping: boolean;
  readonly spool: SpoolState | undefined;
  readonly dedupe: { readonly events: number; readonly maxEvents: number; readonly isFilled: boolean } | undefined;
  /** Requests that wait for their event's line in the log file. */
  readonly waitingForFile: number;
  /** Which process of how many this is; undefined where there is one. */
  readonly place: { readonly index: number; readonly of: number } | undefined;
}

export interface SpoolState {
  readonly events: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly oldestMs: number;
  readonly isFull: boolean;
}

export interface StatusOptions {
  readonly ingest: Ingest;
  readonly state: () => ServerState;
  readonly version: string;
  readonly limits: { readonly maxPendingEvents: number; readonly maxPendingBytes: number };
}

const FRESH = { "cache-control": "no-store" };

export function statusResponse(options: StatusOptions): Response {
  const { ingest, limits } = options;
  const state = options.state();
  const { kafka, spool, dedupe, waitingForFile, place } = state;
  const problem = whyNot(state);
  const body = {
    status: problem ?? "ok",
    version: options.version,
    ...(place && { process: place.index, processes: place.of }),
    uptime_ms: Math.round(process.uptime() * 1000),
    kafka: {
      reachable: kafka.isReachable,
      away_ms: Math.round(kafka.awayMs),
      ...(kafka.brokers !== undefined && { brokers: kafka.brokers }),
      topic: kafka.topic,
      topic_ready: kafka.isTopicReady,
    },
    buffer: {
      pending_events: ingest.fill.pendingEvents,
      max_pending_events: limits.maxPendingEvents,
      pending_bytes: ingest.fill.pendingBytes,
      max_pending_bytes: limits.maxPendingBytes,
      lingering_events: ingest.fill.bufferedEvents,
      body_bytes: ingest.admission.bodyBytes,
      waiting_bytes: ingest.admission.waitingBytes,
      oldest_ms: Math.round(ingest.oldestMs),
      waiting_for_file: waitingForFile,
    },
    ...(spool && {
      spool: {
        events: spool.events,
        bytes: spool.bytes,
        max_bytes: spool.maxBytes,
        oldest_ms: Math.round(spool.oldestMs),
        full: spool.isFull,
      },
    }),
    ...(dedupe && { dedupe: { events: dedupe.events, max_events: dedupe.maxEvents, filled: dedupe.isFilled } }),
    counts: ingest.counts,
  };
  return Response.json(body, { status: problem ? 503 : 200, headers: FRESH });
}

/** 503 as soon as a stop is asked for: a load balancer has `--drain-delay-ms` to look elsewhere. */
export function readinessResponse({ state }: Pick<StatusOptions, "state">): Response {
  const problem = whyNot(state());
  return new Response(`${problem ?? "ok"}\n`, { status: problem ? 503 : 200, headers: FRESH });
}

/** Why events cannot be taken right now. */
function whyNot({ kafka, isStopping, spool, dedupe }: ServerState): string | undefined {
  if (isStopping) return "stopping";
  if (dedupe?.isFilled === false) return "starting";
  if (spool) return spool.isFull ? "spool_full" : undefined;
  if (!kafka.isReachable) return "kafka_unreachable";
  return kafka.isTopicReady ? undefined : "topic_not_ready";
}

export function livenessResponse(): Response {
  return new Response("ok\n", { headers: FRESH });
}
