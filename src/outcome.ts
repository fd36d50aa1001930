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
  /** A `detail` as an answer may bring it, for the documentation. */
  readonly example: string;
}

export const REASONS = {
  invalid_json: {
    status: 400,
    retry: false,
    title: "The body is not JSON",
    example: "the body is not valid JSON: it ends too early, at byte 9 (line 1, column 10)",
  },
  invalid_parameter: {
    status: 400,
    retry: false,
    title: "A query parameter has a value that cannot be taken",
    example: "kye: is not taken here; what is taken: ack, key, timestamp, header.<name>",
  },
  invalid_encoding: {
    status: 400,
    retry: false,
    title: "The body is not in its content encoding",
    example: "the body is not whole and valid gzip, as Content-Encoding says it is",
  },
  empty_batch: { status: 400, retry: false, title: "The batch holds no event", example: "the batch holds no event" },
  unauthorized: {
    status: 401,
    retry: false,
    title: "A valid API key is needed",
    example: "the API key is not known here",
  },
  forbidden_topic: {
    status: 403,
    retry: false,
    title: "The API key does not allow this topic",
    example: 'the key "web" may not send to the topic "orders"',
  },
  unknown_topic: {
    status: 404,
    retry: false,
    title: "Events for this topic are not taken here",
    example: "this server takes no events for the topic orders",
  },
  not_found: {
    status: 404,
    retry: false,
    title: "There is nothing at this path",
    example: "the paths there are stand at /docs",
  },
  method_not_allowed: {
    status: 405,
    retry: false,
    title: "This path does not take this method",
    example: "this path takes POST",
  },
  body_timeout: {
    status: 408,
    retry: true,
    title: "The body did not come in time",
    example: "the body was not there within body_timeout_ms (30000)",
  },
  event_too_large: {
    status: 413,
    retry: false,
    title: "The event is larger than the limit",
    example: "value, key and headers together have 1000417 bytes; max_event_bytes is 1000000",
  },
  batch_too_large: {
    status: 413,
    retry: false,
    title: "The batch is larger than the limit",
    example: "the batch holds 12000 events; max_batch_events is 10000",
  },
  id_conflict: {
    status: 409,
    retry: false,
    title: "Another event has this id",
    example: "an event with this id and another value was sent before; an id names one event",
  },
  unsupported_media_type: {
    status: 415,
    retry: false,
    title: "The content type is not taken here",
    example:
      'Content-Type must be one of application/json, …, or the headers those of a binary CloudEvent: not "application/xml"',
  },
  unsupported_encoding: {
    status: 415,
    retry: false,
    title: "The content encoding is not taken here",
    example: 'Content-Encoding must be one of gzip, zstd, br, deflate, identity, not "compress"',
  },
  invalid_event: {
    status: 422,
    retry: false,
    title: "The event does not have the right shape",
    example: "/user_id: must be a string",
  },
  schema_violation: {
    status: 422,
    retry: false,
    title: "The event is not what the schema of its type says",
    example: "/price: must be >= 0 (purchase.json#/properties/price/minimum)",
  },
  unknown_event_type: {
    status: 422,
    retry: false,
    title: "There is no schema for this type of event",
    example: 'there is no schema for "page_veiw"',
  },
  invalid_timestamp: {
    status: 422,
    retry: false,
    title: "Kafka takes no record with this timestamp",
    example: "the timestamp is 7200000 ms ahead; more than 3600000 ms Kafka does not take",
  },
  batch_refused: {
    status: 422,
    retry: false,
    title: "Another event of this atomic batch is invalid",
    example: "nothing of this atomic batch was published: event 3 is invalid",
  },
  rejected_by_kafka: {
    status: 422,
    retry: false,
    title: "Kafka does not take this record",
    example: "ERR_INVALID_RECORD: Broker: Broker failed to validate record",
  },
  quota_exceeded: {
    status: 429,
    retry: true,
    title: "The API key's quota is used up for now",
    example: 'the key "web" may send 100 requests a second',
  },
  internal_error: {
    status: 500,
    retry: true,
    title: "Something went wrong inside Sluice",
    example: "the server's log says more",
  },
  overloaded: {
    status: 503,
    retry: true,
    title: "Too many events are waiting for Kafka",
    example: "100000 events wait for Kafka; max_pending_events is 100000",
  },
  spool_full: {
    status: 503,
    retry: true,
    title: "Kafka is away, and the spool is full",
    example: "the spool holds 1000000000 bytes; spool_max_bytes is 1000000000",
  },
  spool_failed: {
    status: 503,
    retry: true,
    title: "Kafka is away, and the spool cannot be written",
    example: "the spool could not be written: database or disk is full",
  },
  kafka_unreachable: {
    status: 503,
    retry: true,
    title: "Kafka cannot be reached",
    example: "Kafka has been away for 2.4 s",
  },
  not_delivered: {
    status: 503,
    retry: true,
    title: "Kafka did not take the record; it is not in the topic",
    example: "the record did not reach Kafka (ERR__MSG_TIMED_OUT: Local: Message timed out)",
  },
  starting: {
    status: 503,
    retry: true,
    title: "The server is starting",
    example: "the dedupe window is being filled from the topic",
  },
  shutting_down: { status: 503, retry: true, title: "The server is stopping", example: "the server is stopping" },
  delivery_unknown: {
    status: 504,
    retry: true,
    title: "It is not known whether the record is in the topic",
    example: "no word from Kafka within the delivery timeout; the record may or may not be in the topic",
  },
} as const satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof REASONS;

/** On every in-sync replica. `offset` is null where Kafka acknowledged without saying it. */
export interface Acked {
  readonly status: "acked";
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | null;
  /** The outcome of an earlier attempt with the same id is unknown: the event may be in the topic twice. */
  readonly isPossibleDuplicate?: true;
  /** Where it was asked for: whether a line in the log file is known to be there too. */
  readonly isFiled?: boolean;
}

/** On this machine's disk, to be published when Kafka is back: at least once. */
export interface Spooled {
  readonly status: "spooled";
  readonly topic: string;
}

/** Kept. */
export type Settled = Acked | Spooled;

/** A limit that was passed: what is in force, and what was found. */
export interface PassedLimit {
  readonly name: string;
  readonly max: number;
  readonly actual?: number;
}

/** Not in Kafka, and will not be. */
export interface Refused {
  readonly status: "refused";
  readonly code: ReasonCode;
  readonly detail: string;
  readonly limit?: PassedLimit;
}

/** In Kafka or not: it was sent, and no answer came. */
export interface Unknown {
  readonly status: "unknown";
  readonly code: "delivery_unknown";
  readonly detail: string;
}

/** Every event that was taken in gets exactly one. */
export type Outcome = Settled | Refused | Unknown;

export function refused(code: ReasonCode, detail: string, limit?: PassedLimit): Refused {
  return limit === undefined ? { status: "refused", code, detail } : { status: "refused", code, detail, limit };
}
