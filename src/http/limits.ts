/** GET /limits: every limit in force, under the names that refusals use. */

import { MAX_CLOUDEVENT_ATTRIBUTES } from "../event/index.ts";

export interface Limits {
  readonly maxEventBytes: number;
  readonly maxBatchEvents: number;
  readonly maxBatchBytes: number;
  readonly maxPendingEvents: number;
  readonly maxPendingBytes: number;
  readonly bodyTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  readonly filedTimeoutMs: number;
  readonly maxMemoryMb: number;
  /** 0: events that are sent again are not recognised. */
  readonly dedupeWindow: number;
  /** Undefined: there is no spool. */
  readonly spool: string | undefined;
  readonly spoolMaxBytes: number;
}

export function limitsResponse(limits: Limits): Response {
  return Response.json(
    {
      max_event_bytes: limits.maxEventBytes,
      max_batch_events: limits.maxBatchEvents,
      max_batch_bytes: limits.maxBatchBytes,
      max_pending_events: limits.maxPendingEvents,
      max_pending_bytes: limits.maxPendingBytes,
      body_timeout_ms: limits.bodyTimeoutMs,
      delivery_timeout_ms: limits.deliveryTimeoutMs,
      filed_timeout_ms: limits.filedTimeoutMs,
      max_memory_mb: limits.maxMemoryMb,
      dedupe_window: limits.dedupeWindow,
      ...(limits.spool !== undefined && { spool_max_bytes: limits.spoolMaxBytes }),
      max_timestamp_ahead_ms: MAX_TIMESTAMP_AHEAD_MS,
      max_record_headers: MAX_RECORD_HEADERS,
      max_cloudevent_attributes: MAX_CLOUDEVENT_ATTRIBUTES,
    },
    { headers: { "cache-control": "no-store" } },
  );
}

/** How far ahead of our clock a record's timestamp may be. Kafka refuses more by default (`message.timestamp.after.max.ms`). */
export const MAX_TIMESTAMP_AHEAD_MS = 3_600_000;
/** Record headers from `?header.<name>=`. */
export const MAX_RECORD_HEADERS = 32;
