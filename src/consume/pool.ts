/**
 * The workers: as many as asked for, each replaced when it dies. A death is any end that was not asked for. Too many deaths and
 * the pool gives up: `failed` resolves, and what still runs goes on until `stop`.
 */

import { type Clock, systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { RESTART_LIMITS, Restarts } from "../restarts.ts";
import type { HandlerCounts } from "./handler-runner.ts";
import type { Thread, ThreadHooks } from "./thread.ts";
import type { Lines, StopMode } from "./worker-messages.ts";

export interface PoolOptions {
  readonly workers: number;
  readonly start: (hooks: ThreadHooks) => Thread;
  /** Takes the buffer over, and calls `onWritten` when its lines are in the file. */
  readonly onLines: (lines: Lines, onWritten: () => void) => void;
  readonly log: Log;
  readonly restarts?: Restarts;
  readonly clock?: Clock;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #restarts: Restarts;
  readonly #clock: Clock;
  readonly #failed = Promise.withResolvers<string>();
  readonly #empty = Promise.withResolvers<void>();
  readonly #running = new Map<number, Thread>();
  /** Replacements that wait for their time. */
  readonly #waiting = new Set<() => void>();
  /** Of the first workers, those that cannot join the group yet: they join it together. */
  readonly #unready = new Set<number>();
  #isStopping = false;
  #failedStops = 0;
  /** What the workers' handlers did, all together. */
  readonly handling: HandlerCounts = { handled: 0, retries: 0, deadLettered: 0 };
  /** Workers that were replaced. */
  replaced = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#restarts = options.restarts ?? new Restarts(RESTART_LIMITS);
    this.#clock = options.clock ?? systemClock;
    for (let number = 0; number < options.workers; number++) this.#unready.add(number);
    for (let number = 0; number < options.workers; number++) this.#start(number);
  }

  /** Whether every worker that was asked to end did so with all committed. */
  get endedWell(): boolean {
    return this.#failedStops === 0;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Resolves with the reason when too many workers have died. */
  get failed(): Promise<string> {
    return this.#failed.promise;
  }

  #start(number: number): void {
    const startedMs = this.#clock.nowMs();
    const log = this.#options.log.child({ worker: number });
    const thread = this.#options.start({
      onReady: () => this.#notAwaited(number),
      onLines: (lines, sequence) => this.#options.onLines(lines, () => thread.setWritten(sequence)),
      onHandled: (counts) => this.#addHandled(counts),
      log: (level, message, fields) => log[level](fields, message),
      onEnd: (problem) => this.#onEnd(number, startedMs, problem),
    });
    this.#running.set(number, thread);
  }

  /** One that cannot be waited for is not; one that is started later joins as soon as it can. */
  #notAwaited(number: number): void {
    this.#unready.delete(number);
    if (this.#unready.size === 0) for (const thread of this.#running.values()) thread.letJoin();
  }

  #addHandled({ handled, retries, deadLettered }: Readonly<HandlerCounts>): void {
    this.handling.handled += handled;
    this.handling.retries += retries;
    this.handling.deadLettered += deadLettered;
  }

  #onEnd(number: number, startedMs: number, problem: string | undefined): void {
    this.#running.delete(number);
    this.#notAwaited(number);
    const fields = { worker: number, problem: problem ?? "it ended without being asked to" };
    if (this.#isStopping) {
      if (problem !== undefined) {
        this.#failedStops++;
        this.#options.log.warn(fields, "a worker failed while it was stopping");
      }
      if (this.#running.size === 0) this.#empty.resolve();
      return;
    }
    const delayMs = this.#restarts.onDeath(startedMs, this.#clock.nowMs());
    if (delayMs === undefined) {
      this.#options.log.error(fields, "a worker died");
      this.#failed.resolve(`too many workers died; the last one: ${fields.problem}`);
      return;
    }
    this.#options.log.error({ ...fields, restart_delay_ms: delayMs }, "a worker died and will be replaced");
    const cancel = this.#clock.after(delayMs, () => {
      this.#waiting.delete(cancel);
      this.replaced++;
      this.#start(number);
    });
    this.#waiting.add(cancel);
  }

  /** Asks every worker to end. Can be called again with "abandon". */
  requestStop(mode: StopMode): void {
    this.#isStopping = true;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
    for (const thread of this.#running.values()) thread.stop(mode);
    if (this.#running.size === 0) this.#empty.resolve();
  }

  /** Resolves when, after `requestStop`, no worker runs any more. */
  get empty(): Promise<void> {
    return this.#empty.promise;
  }
}
