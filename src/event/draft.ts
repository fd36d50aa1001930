/** What a request's bytes turn into: an event that can become a record, or what is wrong with them. */

export type RecordHeader = readonly [name: string, value: string];

/** One event, checked, as its format brought it. */
export interface EventDraft {
  readonly isValid: true;
  /** The event's own; null where it brings none. */
  readonly id: string | null;
  readonly key: string | null;
  /** The client's own bytes; null where a CloudEvent has no data. */
  readonly value: Uint8Array | null;
  /** Beside those that every record carries. */
  readonly headers: readonly RecordHeader[];
  /** The record's timestamp, ms since 1970, where the event sets it. */
  readonly timestampMs: number | undefined;
}

/** What the bytes are not. */
export interface EventProblem {
  readonly isValid: false;
  readonly code: "invalid_json" | "invalid_event" | "empty_batch" | SchemaProblem["code"];
  readonly detail: string;
  /** JSON pointer (RFC 6901) into the event, to the member that is wrong. */
  readonly pointer?: string;
  /** The request header that is wrong. */
  readonly header?: string;
  /** The schema's rule that is broken. */
  readonly rule?: string;
  /** The event, where nothing but its schema refuses it. */
  readonly draft?: EventDraft;
}

/** What a schema has against a value. `pointer` is into the value, and `detail` does not repeat it. */
export interface SchemaProblem {
  readonly code: "schema_violation" | "unknown_event_type";
  readonly detail: string;
  readonly pointer: string;
  readonly rule?: string;
}

/** What an operator wants of events, beside their being events. */
export interface EventRules {
  /** The member of a plain event that is the record key. */
  readonly keyMember: string | undefined;
  /** Holds a value against the schema of its type; undefined where there are no schemas. */
  readonly schemaProblem: ((type: string | undefined, value: unknown) => SchemaProblem | undefined) | undefined;
}

/** The draft, unless its type's schema refuses the value. */
export function heldAgainstSchema(
  draft: EventDraft,
  rules: EventRules,
  event: {
    readonly type: string | undefined;
    readonly value: unknown;
    /** JSON pointers into what the client sent: to the value, and to the type. */
    readonly at: string;
    readonly typeAt: string;
  },
): Checked {
  const found = rules.schemaProblem?.(event.type, event.value);
  if (found === undefined) return draft;
  const pointer = found.code === "unknown_event_type" ? event.typeAt : event.at + found.pointer;
  const detail = found.code === "unknown_event_type" ? found.detail : `${pointer || "the event"}: ${found.detail}`;
  return { ...found, pointer, detail, isValid: false, draft };
}

export type Checked = EventDraft | EventProblem;

export const NO_HEADERS: readonly RecordHeader[] = [];

export function problem(code: EventProblem["code"], detail: string, pointer?: string): EventProblem {
  return pointer === undefined ? { isValid: false, code, detail } : { isValid: false, code, detail, pointer };
}
