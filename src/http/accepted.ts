/** From the draft of an event, and what its request says of all, to what ingest takes. */
import type { EventDraft } from "../event/index.ts";
import type { AcceptedEvent } from "../ingest/index.ts";
import type { Intake } from "./intake.ts";
import { MAX_TIMESTAMP_AHEAD_MS } from "./limits.ts";
import type { Problem } from "./problem.ts";

export function prepared(draft: EventDraft, intake: Intake, now: number): AcceptedEvent | Problem {
  const event = acceptedEvent(draft, intake, now);
  if (event.timestampMs === undefined || event.timestampMs <= now + MAX_TIMESTAMP_AHEAD_MS) return event;
  const detail = `the timestamp is ${event.timestampMs - now} ms ahead; more than ${MAX_TIMESTAMP_AHEAD_MS} ms Kafka does not take`;
  return { code: "invalid_timestamp", detail, id: event.id };
}

export function acceptedEvent(draft: EventDraft, { topic, parameters, headers }: Intake, now: number): AcceptedEvent {
  return {
    topic,
    id: draft.id ?? Bun.randomUUIDv7(),
    isIdOwn: draft.id !== null,
    key: parameters.key ?? draft.key,
    value: draft.value,
    headers: draft.headers.length === 0 ? headers : [...draft.headers, ...headers],
    timestampMs: parameters.timestampMs ?? draft.timestampMs,
    receivedAtMs: now,
  };
}

/** With bytes of its own: a view would keep the whole body in memory until Kafka's word comes. */
export function detached(event: AcceptedEvent): AcceptedEvent {
  return event.value === null ? event : { ...event, value: event.value.slice() };
}
