/**
 * The simulated events, made one at a time as they are sent. The same seed makes the same events, byte for byte, in the same
 * order; the number of events asked for changes nothing but where the row ends.
 *
 * What that costs: the timestamps come from the seed's own clock, which starts on START, not from the clock on the wall. And
 * the ids are the seed's: two runs share them exactly when they share the seed, so a run that should be told apart in the log
 * needs a seed of its own (the command draws one where none is given).
 */
import { eventKinds } from "./metadata.ts";
import { Random, Weighted, zipfWeights } from "./random.ts";

export interface SimulatedEvent {
  readonly id: string;
  /** The request's body: one JSON object. */
  readonly body: string;
}

export interface EventSource {
  next(): SimulatedEvent;
}

const START = Date.UTC(2026, 0, 1);
const USERS = 5_000;
/** About four events a second, so that sessions begin and lapse within a run of 10,000. */
const MAX_GAP_MS = 500;
const SESSION_IDLE_MS = 10 * 60_000;

const kindWeights = new Weighted(eventKinds.map((kind) => kind.weight));
const userWeights = new Weighted(zipfWeights(USERS));

/**
 * A UUID of version 8 (RFC 9562: the layout is the application's own): the seed stands in front, the event's index at the end.
 * Unique by construction, and a missing event's id says which one it was.
 */
export function eventId(seed: number, index: number): string {
  return `${seed.toString(16).padStart(8, "0")}-0000-8000-8000-${index.toString(16).padStart(12, "0")}`;
}

export function createEventSource(seed: number): EventSource {
  const random = new Random(seed);
  const sessions = new Sessions();
  let index = 0;
  let atMs = START;
  return {
    next() {
      const id = eventId(seed, index++);
      atMs += random.between(0, MAX_GAP_MS);
      const kind = eventKinds[kindWeights.index(random)] ?? eventKinds[0];
      const user = userWeights.index(random);
      const body = JSON.stringify({
        id,
        event_type: kind.type,
        user_id: `user-${user}`,
        session_id: `user-${user}-session-${sessions.current(user, atMs)}`,
        timestamp: new Date(atMs).toISOString(),
        metadata: kind.metadata(random),
      });
      if (kind.type === "purchase") sessions.end(user);
      return { id, body };
    },
  };
}

/** A user's session goes on until a purchase, or until the user was away for SESSION_IDLE_MS. */
class Sessions {
  readonly #number = new Uint32Array(USERS);
  readonly #lastSeenMs = new Float64Array(USERS);

  current(user: number, atMs: number): number {
    const isLapsed = atMs - (this.#lastSeenMs[user] ?? 0) > SESSION_IDLE_MS;
    if (isLapsed) this.#number[user] = (this.#number[user] ?? 0) + 1;
    this.#lastSeenMs[user] = atMs;
    return this.#number[user] ?? 0;
  }

  end(user: number): void {
    this.#lastSeenMs[user] = 0;
  }
}
