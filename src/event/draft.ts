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
  readonly code: "invalid_json" | "invalid_event" | "empty_batch";
  readonly detail: string;
  /** JSON pointer (RFC 6901) into the event, to the member that is wrong. */
  readonly pointer?: string;
  /** The request header that is wrong. */
  readonly header?: string;
}

export type Checked = EventDraft | EventProblem;

export const NO_HEADERS: readonly RecordHeader[] = [];

export function problem(code: EventProblem["code"], detail: string, pointer?: string): EventProblem {
  return pointer === undefined ? { isValid: false, code, detail } : { isValid: false, code, detail, pointer };
}
