/** The events of one request on their way through ingest: what became of each, in the order of the body. */
import type { AcceptedEvent, Receiver } from "../ingest/index.ts";
import type { Outcome } from "../outcome.ts";
import { type Result, resultOf } from "./answer.ts";

export class Batch implements Receiver {
  readonly #events: AcceptedEvent[] = [];
  readonly #results: Result[];
  readonly #onDone: (results: readonly Result[]) => void;
  readonly #maxEventBytes: number;
  #open: number;

  /** `onDone` gets every event's result, once the last is there. */
  constructor(events: number, maxEventBytes: number, onDone: (results: readonly Result[]) => void) {
    this.#open = events;
    this.#results = new Array(events);
    this.#maxEventBytes = maxEventBytes;
    this.#onDone = onDone;
  }

  /** Before the event is given to ingest under that index. */
  expect(index: number, event: AcceptedEvent): void {
    this.#events[index] = event;
  }

  receive(index: number, outcome: Outcome): void {
    this.settle(index, resultOf(outcome, this.#events[index]!, this.#maxEventBytes));
  }

  settle(index: number, result: Result): void {
    this.#results[index] = result;
    if (--this.#open === 0) this.#onDone(this.#results);
  }
}

/** With `?ack=queued` nobody waits for the outcome. */
export const NOBODY: Receiver = { receive: () => {} };
