/** An accepted event, on its way: what Kafka is to get, and whom to tell. */
import type { Linked } from "../oldest-first.ts";
import type { Outcome } from "../outcome.ts";

export interface AcceptedEvent {
  readonly topic: string;
  readonly id: string;
  /** The client's, and not one that was given to it here. */
  readonly isIdOwn: boolean;
  readonly key: string | null;
  /** The client's own bytes; null makes a record without a value. */
  readonly value: Uint8Array | null;
  /** Beside those that every record carries. */
  readonly headers: readonly RecordHeader[];
  /** The record's timestamp, ms since 1970; undefined leaves it to the Kafka client: now. */
  readonly timestampMs: number | undefined;
  /** Milliseconds since 1970. */
  readonly receivedAtMs: number;
}

export type RecordHeader = readonly [name: string, value: string];

/** Is told what became of the event that was accepted under `index`; once. */
export interface Receiver {
  receive(index: number, outcome: Outcome): void;
  /** Kafka's word on an event that was answered "unknown" before it came. */
  learn?(index: number, outcome: Outcome): void;
}

/** The names of the headers that every record carries. */
export const ID_HEADER = "id";
export const RECEIVED_HEADER = "received_at_ms";

/**
 * The record that is published for an event. It is also the entry in every queue on the way, so that one event is one object.
 */
export class PendingEvent implements Linked<PendingEvent> {
  readonly topic: string;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs: number | undefined;
  /** Value, key and headers together: what counts against the budget. */
  readonly bytes: number;
  /** On the monotonic clock, in ms. */
  readonly acceptedAt: number;
  readonly #receiver: Receiver;
  readonly #index: number;
  isAnswered = false;
  /** On its way into the spool. */
  isSpooling = false;
  older: PendingEvent | undefined = undefined;
  newer: PendingEvent | undefined = undefined;
  isLinked = false;

  // On every event's way: an object of options would be one more a time.
  constructor(event: AcceptedEvent, bytes: number, acceptedAt: number, receiver: Receiver, index: number) {
    this.topic = event.topic;
    this.key = event.key;
    this.value = event.value;
    const own: readonly RecordHeader[] = [[ID_HEADER, event.id], receivedHeader(event.receivedAtMs)];
    this.headers = event.headers.length === 0 ? own : own.concat(event.headers);
    this.timestampMs = event.timestampMs;
    this.bytes = bytes;
    this.acceptedAt = acceptedAt;
    this.#receiver = receiver;
    this.#index = index;
  }

  answer(outcome: Outcome): void {
    this.isAnswered = true;
    this.#receiver.receive(this.#index, outcome);
  }

  learn(outcome: Outcome): void {
    this.#receiver.learn?.(this.#index, outcome);
  }
}

let lastReceived: { readonly ms: number; readonly header: RecordHeader } | undefined;

/** One for all events of a millisecond. */
function receivedHeader(ms: number): RecordHeader {
  if (lastReceived?.ms !== ms) lastReceived = { ms, header: [RECEIVED_HEADER, String(ms)] };
  return lastReceived.header;
}

const FIXED_HEADER_BYTES = ID_HEADER.length + RECEIVED_HEADER.length + 13;

/** The size that `max_event_bytes` limits: value, key and headers together. */
export function eventBytes(event: AcceptedEvent): number {
  const key = event.key === null ? 0 : Buffer.byteLength(event.key);
  let headers = Buffer.byteLength(event.id) + FIXED_HEADER_BYTES;
  for (const [name, value] of event.headers) headers += Buffer.byteLength(name) + Buffer.byteLength(value);
  return (event.value?.byteLength ?? 0) + key + headers;
}
