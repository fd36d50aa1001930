/** An accepted event, on its way: what Kafka is to get, and whom to tell. */
import type { Outcome } from "../outcome.ts";

export interface AcceptedEvent {
  readonly id: string;
  readonly key: string | null;
  /** The client's own bytes. */
  readonly value: Uint8Array;
  /** Milliseconds since 1970. */
  readonly receivedAtMs: number;
}

export type RecordHeader = readonly [name: string, value: string];

/** The names of the headers that every record carries. */
export const ID_HEADER = "id";
export const RECEIVED_HEADER = "received_at_ms";

/**
 * The record that is published for an event. It is also the entry in every queue on the way, so that one event is one object.
 */
export class PendingEvent {
  readonly topic: string;
  readonly key: string | null;
  readonly value: Uint8Array;
  readonly headers: readonly RecordHeader[];
  /** Value, key and headers together: what counts against the budget. */
  readonly bytes: number;
  /** On the monotonic clock, in ms. */
  readonly acceptedAt: number;
  readonly #resolve: (outcome: Outcome) => void;
  isAnswered = false;

  constructor(
    topic: string,
    event: AcceptedEvent,
    bytes: number,
    acceptedAt: number,
    resolve: (outcome: Outcome) => void,
  ) {
    this.topic = topic;
    this.key = event.key;
    this.value = event.value;
    this.headers = [
      [ID_HEADER, event.id],
      [RECEIVED_HEADER, String(event.receivedAtMs)],
    ];
    this.bytes = bytes;
    this.acceptedAt = acceptedAt;
    this.#resolve = resolve;
  }

  answer(outcome: Outcome): void {
    this.isAnswered = true;
    this.#resolve(outcome);
  }
}

const FIXED_HEADER_BYTES = ID_HEADER.length + RECEIVED_HEADER.length + 13;

/** The size that `max_event_bytes` limits: value, key and headers together. */
export function eventBytes(event: AcceptedEvent): number {
  const key = event.key === null ? 0 : Buffer.byteLength(event.key);
  return event.value.byteLength + key + Buffer.byteLength(event.id) + FIXED_HEADER_BYTES;
}
