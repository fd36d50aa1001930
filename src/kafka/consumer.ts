/**
 * A member of a consumer group, for a thread that may wait: every method here blocks for as long as it says.
 *
 * Nothing is committed but what `commit` is given. Before partitions are handed over, `onRevoke` gets the chance to finish and
 * commit what was read of them.
 */
import { splitCommit } from "./commit-result.ts";
import type { ConsumerConfig } from "./config.ts";
import { toProperties } from "./config.ts";
import { codeName } from "./error.ts";
import { requireFeatures } from "./features.ts";
import { type KafkaLog, logError, logLine } from "./log.ts";
import {
  type AssignmentEvent,
  ClientHandle,
  CODES,
  type CommitResult,
  ConsumerCalls,
  library,
  type PartitionOffset,
  type RecordBatch,
} from "./native/index.ts";

const COORDINATOR_WAIT_MS = 500;

export interface ConsumerHooks {
  readonly log: KafkaLog;
  readonly onAssign: (partitions: readonly number[]) => void;
  /** Still ours during the call, unless `isLost`: then the group has given them away, and commits would fail. */
  readonly onRevoke: (partitions: readonly number[], isLost: boolean) => void;
  /** A commit that was asked for has failed for these. */
  readonly onCommitFailed: (errorCode: number, offsets: readonly PartitionOffset[]) => void;
  /** The group's coordinator has been found and answers (or has not, for half a second), and the next is to join. May wait. */
  readonly beforeJoin?: () => void;
  /** The group has these now; of a commit that was asked for with `commit`. */
  readonly onCommitted?: (offsets: readonly PartitionOffset[]) => void;
}

/** A member that cannot go on: its owner closes it and starts another. */
export class ConsumerFailure extends Error {
  override readonly name = "ConsumerFailure";
}

export class Consumer {
  readonly #topic: string;
  readonly #hooks: ConsumerHooks;
  readonly #client: ClientHandle;
  readonly #calls: ConsumerCalls;
  /** Partitions that `onAssign` was told of, and `onRevoke` was not. */
  readonly #owned = new Set<number>();
  #isClosing = false;
  #hasGivenUp = false;

  /** Joins the group. Throws `ConfigurationError`. */
  constructor(config: ConsumerConfig, topic: string, hooks: ConsumerHooks) {
    const properties = toProperties(config);
    requireFeatures(properties, library().info);
    this.#topic = topic;
    this.#hooks = hooks;
    this.#client = new ClientHandle("consumer", properties, {
      onLog: (event) => logLine(hooks.log, "consumer", event),
      onError: (event) => logError(hooks.log, "consumer", event),
      onOther: () => {},
    });
    let calls: ConsumerCalls | undefined;
    try {
      calls = new ConsumerCalls(this.#client);
      if (hooks.beforeJoin) {
        calls.awaitCoordinator(topic, COORDINATOR_WAIT_MS);
        hooks.beforeJoin();
      }
      const errorCode = calls.subscribe(topic);
      if (errorCode !== 0) throw new ConsumerFailure(`subscribe: ${codeName(errorCode)}`);
    } catch (cause) {
      calls?.destroy();
      this.#client.destroyHere();
      throw cause;
    }
    this.#calls = calls;
  }

  /**
   * Answers the group's events, then takes the records that wait, or waits up to `timeoutMs` for some. Throws `ConsumerFailure`
   * where this member cannot go on. The batch must have been released.
   */
  poll(batch: RecordBatch, timeoutMs: number): void {
    // Without partitions no record can come: what is waited for is the group's word.
    const isIdle = this.#owned.size === 0;
    this.#serveGroup(isIdle ? timeoutMs : 0);
    this.#calls.fill(batch, isIdle ? 0 : timeoutMs, (errorCode, partition) =>
      this.#onRecordError(errorCode, partition),
    );
  }

  /** Answers the group's events and takes no records: keeps the membership alive while records that were taken are worked on. */
  serve(): void {
    this.#serveGroup();
  }

  #serveGroup(timeoutMs = 0): void {
    this.#client.drain();
    for (let wait = timeoutMs; ; wait = 0) {
      const next = this.#calls.nextGroupEvent(wait);
      if (next === undefined) return;
      if (next.type === "assignment") this.#answer(next.event);
      else if (next.type === "committed") this.#onCommitted(next);
      else this.#onGroupError(next.errorCode, next.message, next.isFatal);
    }
  }

  #answer(event: AssignmentEvent): void {
    if (this.#isClosing) {
      this.#answerLeaving(event.isLost);
      return;
    }
    const numbers = event.partitions.map((partition) => partition.partition);
    if (event.kind === "assign") {
      const error = this.#calls.assign(event.partitions);
      if (error) throw new ConsumerFailure(`assign: ${error}`);
      for (const partition of numbers) this.#owned.add(partition);
      this.#hooks.onAssign(numbers);
      return;
    }
    try {
      this.#hooks.onRevoke(numbers, event.isLost);
    } finally {
      for (const partition of numbers) this.#owned.delete(partition);
      this.#logProblem(this.#calls.unassign(event.partitions));
    }
  }

  /**
   * The first rebalance that comes while the member leaves, of whatever kind, is answered by giving everything up; librdkafka
   * takes any answer for that now. A second one (an assignment may have been on its way when the leaving began) must not be
   * answered: the group may be gone meanwhile, and librdkafka then waits for ever for a reply.
   */
  #answerLeaving(isLost: boolean): void {
    if (this.#hasGivenUp) return;
    this.#hasGivenUp = true;
    const numbers = [...this.#owned];
    this.#owned.clear();
    try {
      if (numbers.length > 0) this.#hooks.onRevoke(numbers, isLost);
    } finally {
      this.#logProblem(this.#calls.unassignAll());
    }
  }

  #logProblem(error: string): void {
    if (error) this.#hooks.log("warn", "librdkafka did not take the answer to a rebalance", { error });
  }

  #onCommitted(result: CommitResult): void {
    if (result.errorCode === CODES.ERR__NO_OFFSET) return;
    const { committed, failed, errorCode } = splitCommit(result);
    if (committed.length > 0) this.#hooks.onCommitted?.(committed);
    if (errorCode !== 0) this.#hooks.onCommitFailed(errorCode, failed);
  }

  #onGroupError(errorCode: number, message: string, isFatal: boolean): void {
    if (isFatal) throw new ConsumerFailure(`${codeName(errorCode)}: ${message}`);
    // The topic is being awaited, or the brokers are: both come back by themselves.
    this.#hooks.log("warn", message, { error: codeName(errorCode) });
  }

  #onRecordError(errorCode: number, partition: number): void {
    if (errorCode === CODES.ERR__PARTITION_EOF) return;
    this.#hooks.log("warn", "reading a partition failed; it will be tried again", {
      error: codeName(errorCode),
      partition,
    });
  }

  /** Asks for a commit without waiting; `offsets` are the next to read. */
  commit(offsets: ReadonlyMap<number, number>): void {
    if (offsets.size === 0) return;
    const list = this.#list(offsets);
    const errorCode = this.#calls.commit(list);
    if (errorCode !== 0) this.#hooks.onCommitFailed(errorCode, list);
  }

  /** Commits and waits up to `timeoutMs`. Returns whether the group has all of it; what it has not, `onCommitFailed` is told. */
  commitAndWait(offsets: ReadonlyMap<number, number>, timeoutMs: number): boolean {
    if (offsets.size === 0) return true;
    const list = this.#list(offsets);
    const result = this.#calls.commitAndWait(list, timeoutMs) ?? { errorCode: CODES.ERR__TIMED_OUT, partitions: [] };
    const { failed, errorCode } = splitCommit(result, list);
    if (errorCode !== 0) this.#hooks.onCommitFailed(errorCode, failed);
    return errorCode === 0;
  }

  #list(offsets: ReadonlyMap<number, number>): PartitionOffset[] {
    return Array.from(offsets, ([partition, offset]) => ({ topic: this.#topic, partition, offset }));
  }

  pause(partitions: readonly number[]): void {
    this.#calls.pause(partitions.map((partition) => ({ topic: this.#topic, partition })));
  }

  resume(partitions: readonly number[]): void {
    this.#calls.resume(partitions.map((partition) => ({ topic: this.#topic, partition })));
  }

  /**
   * Leaves the group (with `onRevoke` for what is assigned) and destroys the client, within about `timeoutMs`: without an answer
   * from the group by then, the group notices by its session timeout. Batches filled from here are released.
   */
  close(timeoutMs: number): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const deadline = performance.now() + timeoutMs;
    try {
      const error = this.#calls.startClose();
      if (error) this.#hooks.log("warn", "this member cannot leave the group by itself", { error });
      else while (!this.#calls.isClosed && performance.now() < deadline) this.#serveLeaving();
      this.#client.drain();
    } finally {
      this.#calls.destroy();
      this.#client.destroyHere();
    }
  }

  /** What a hook throws does not keep the member from leaving: the rebalance it was told of is answered all the same. */
  #serveLeaving(): void {
    try {
      this.#serveGroup(50);
    } catch (cause) {
      this.#hooks.log("warn", "a group event failed while leaving", { error: String(cause) });
    }
  }
}
