/**
 * Which events go into the spool instead of the buffer: all while Kafka is away, all while the oldest unanswered event is older than
 * `afterMs`, and those whose key has events in the spool already, so that they stay behind them. What librdkafka was given and gave up
 * on is answered, and never spooled behind later events.
 */
import { type Outcome, refused } from "../outcome.ts";
import type { AcceptedEvent, PendingEvent } from "./event.ts";

/** What ingest needs of a spool. */
export interface SpoolDoor {
  /** Whether events of this key are in it, or may be. */
  holds(topic: string, key: string | null): boolean;
  /** Calls back once: the event is on the disk, or why it is not. */
  put(event: PendingEvent, onEnd: (problem: SpoolProblem | undefined) => void): void;
}

export interface SpoolProblem {
  readonly code: "spool_full" | "spool_failed";
  readonly detail: string;
}

export interface SpoolRouteOptions {
  readonly door: SpoolDoor;
  readonly afterMs: number;
  readonly kafkaAwayMs: () => number;
  readonly oldestUnackedMs: () => number;
  readonly settle: (event: PendingEvent, outcome: Outcome) => void;
}

export class SpoolRoute {
  readonly #options: SpoolRouteOptions;

  constructor(options: SpoolRouteOptions) {
    this.#options = options;
  }

  takes(event: AcceptedEvent): boolean {
    const { door, kafkaAwayMs, oldestUnackedMs, afterMs } = this.#options;
    return kafkaAwayMs() > 0 || oldestUnackedMs() > afterMs || door.holds(event.topic, event.key);
  }

  /** At the end, when no later event can come: whether one that librdkafka never sent can go to the disk without passing another. */
  takesLast(event: PendingEvent): boolean {
    return event.key === null || !this.#options.door.holds(event.topic, event.key);
  }

  put(event: PendingEvent): void {
    this.#options.door.put(event, (problem) => {
      const outcome: Outcome = problem
        ? refused(problem.code, problem.detail)
        : { status: "spooled", topic: event.topic };
      this.#options.settle(event, outcome);
    });
  }
}
