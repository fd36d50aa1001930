/** The events of one request on their way through ingest: what became of each, in the order of the body. */
import type { AcceptedEvent, Receiver } from "../ingest/index.ts";
import type { Outcome } from "../outcome.ts";
import { type Result, resultOf } from "./answer.ts";

export class Batch implements Receiver {
  readonly #events: AcceptedEvent[] = [];
  readonly #results: Result[];
  readonly #done = Promise.withResolvers<readonly Result[]>();
  readonly #maxEventBytes: number;
  #open: number;

  constructor(events: number, maxEventBytes: number) {
    this.#open = events;
    this.#results = new Array(events);
    this.#maxEventBytes = maxEventBytes;
  }

  /** Every event's result, once the last is there. */
  get whenDone(): Promise<readonly Result[]> {
    return this.#done.promise;
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
    if (--this.#open === 0) this.#done.resolve(this.#results);
  }
}

/** With `?ack=queued` nobody waits for the outcome. */
export const NOBODY: Receiver = { receive: () => {} };
