/** An event in the spool: everything that its record needs, and nothing of who sent it. */
export interface SpooledRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Ms since 1970; undefined: the time of publishing. */
  readonly timestampMs: number | undefined;
}

export interface StoredRecord extends SpooledRecord {
  /** Ascending in the order of arrival. */
  readonly sequence: number;
  /** As `rowBytes` has it. */
  readonly bytes: number;
  /** Of one that was read: when it came, ms since 1970. */
  readonly spooledAtMs?: number;
}

/** What a row takes beside the event's own bytes: numbers, lengths, its place in the tree. */
const ROW_BYTES = 64;

/** What an event of that size counts against the spool's limit. */
export function rowBytes(eventBytes: number): number {
  return eventBytes + ROW_BYTES;
}

/** So many are on their way to Kafka at a time, at the most. */
export const CHUNK_EVENTS_MAX = 4096;
