/**
 * What can become of an event: the closed set of outcomes, and the closed set of reasons for which one is refused, with the
 * HTTP status each turns into and whether a client may send the same event again. Everything that names a reason (answers,
 * logs, counts, documentation) takes it from this table.
 */

export interface Reason {
  readonly status: number;
  /** Sending the same event again, unchanged, may succeed. */
  readonly retry: boolean;
  readonly title: string;
}

export const REASONS = {
  invalid_json: { status: 400, retry: false, title: "The body is not JSON" },
  invalid_parameter: { status: 400, retry: false, title: "A query parameter has a value that cannot be taken" },
  not_found: { status: 404, retry: false, title: "There is nothing at this path" },
  method_not_allowed: { status: 405, retry: false, title: "This path does not take this method" },
  event_too_large: { status: 413, retry: false, title: "The event is larger than the limit" },
  unsupported_media_type: { status: 415, retry: false, title: "The content type is not taken here" },
  unsupported_encoding: { status: 415, retry: false, title: "The content encoding is not taken here" },
  invalid_event: { status: 422, retry: false, title: "The event does not have the right shape" },
  rejected_by_kafka: { status: 422, retry: false, title: "Kafka does not take this record" },
  internal_error: { status: 500, retry: true, title: "Something went wrong inside Sluice" },
  overloaded: { status: 503, retry: true, title: "Too many events are waiting for Kafka" },
  kafka_unreachable: { status: 503, retry: true, title: "Kafka cannot be reached" },
  not_delivered: { status: 503, retry: true, title: "Kafka did not take the record; it is not in the topic" },
  shutting_down: { status: 503, retry: true, title: "The server is stopping" },
  delivery_unknown: { status: 504, retry: true, title: "It is not known whether the record is in the topic" },
} as const satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof REASONS;

/** On every in-sync replica. `offset` is null where Kafka acknowledged without saying it. */
export interface Acked {
  readonly status: "acked";
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | null;
}

/** Not in Kafka, and will not be. */
export interface Refused {
  readonly status: "refused";
  readonly code: ReasonCode;
  readonly detail: string;
}

/** In Kafka or not: it was sent, and no answer came. */
export interface Unknown {
  readonly status: "unknown";
  readonly code: "delivery_unknown";
  readonly detail: string;
}

/** Every event that was taken in gets exactly one. */
export type Outcome = Acked | Refused | Unknown;

export function refused(code: ReasonCode, detail: string): Refused {
  return { status: "refused", code, detail };
}
