/**
 * One member of the consumer group, on a thread that may wait: reads batches, makes lines of them, hands the lines to the writer,
 * and commits what the writer has written.
 *
 * It promises: nothing is committed before it is in the file; before a partition is given up, what was read of it is written and
 * committed (or, where the writer takes longer than `REVOKE_WAIT_MS`, not committed); the Kafka client is closed whatever happens.
 */
import {
  Consumer,
  codeName,
  consumerConfig,
  type KafkaLog,
  type PartitionOffset,
  RecordBatch,
} from "../kafka/index.ts";
import { Commits } from "./commits.ts";
import { LineMaker, type Records } from "./line.ts";
import { type Lines, nextSequence, type Run, type WorkerCells, type WorkerSettings } from "./worker-messages.ts";

const BATCH_RECORDS = 5000;
const BUFFER_BYTES = 1024 * 1024;
/** Buffers that may wait for the writer; past it, this member waits. */
const OUTSTANDING_MAX = 4;
const POLL_MS = 100;
/** For the other members of this process to be ready, too. */
const JOIN_WAIT_MS = 1000;
const COMMIT_INTERVAL_MS = 500;
const REVOKE_WAIT_MS = 10_000;
const COMMIT_WAIT_MS = 2000;
const COMMIT_RETRY_MS = 50;
/** More than a session by default (6 s): a rebalance that waits for a member that is gone holds up commits for as long. */
const SETTLE_MS = 8000;
const SETTLE_COMMIT_MS = 500;
const SETTLE_POLL_MS = 20;
const CLOSE_MS = 4000;
const ORDINARY_IN_A_REBALANCE = new Set(["ERR_ILLEGAL_GENERATION", "ERR_REBALANCE_IN_PROGRESS"]);

/** With a handler: how long the thread's event loop is its own between two looks at Kafka. */
const IDLE_MS = 20;
const SERVE_MS = 50;

/** Resolves when every record of the batch is done with; false where it was broken off and nothing of it may count. */
export type HandleBatch = (batch: RecordBatch, cells: WorkerCells) => Promise<boolean>;

export interface MemberHooks {
  /** It is about to join the group. */
  readonly ready: () => void;
  /** Takes the buffer over. */
  readonly send: (sequence: number, lines: Lines) => void;
  readonly log: KafkaLog;
}

export class Member {
  readonly #cells: WorkerCells;
  readonly #hooks: MemberHooks;
  readonly #consumer: Consumer;
  readonly #commits = new Commits(COMMIT_INTERVAL_MS);
  readonly #batch = new RecordBatch(BATCH_RECORDS);
  readonly #lines: LineMaker;
  readonly #owned = new Set<number>();
  /** Partitions that were given up since the batch in hand was read. */
  readonly #lost = new Set<number>();
  /** The last offset that was read of each partition since it became ours. */
  readonly #read = new Map<number, number>();
  #isSettling = false;
  #sequence = 0;

  /** Joins the group. Throws `ConfigurationError`. */
  constructor(settings: WorkerSettings, cells: WorkerCells, hooks: MemberHooks) {
    this.#cells = cells;
    this.#hooks = hooks;
    this.#lines = new LineMaker(settings.topic, BUFFER_BYTES, (lines) => this.#hand(lines));
    this.#consumer = new Consumer(consumerConfig(settings), settings.topic, {
      log: hooks.log,
      // A member that joined first would get all partitions, and give some up again a heartbeat later, while nothing is read.
      beforeJoin: () => {
        hooks.ready();
        cells.waitToJoin(JOIN_WAIT_MS);
      },
      onAssign: (partitions) => this.#onAssign(partitions),
      onRevoke: (partitions, isLost) => this.#onRevoke(partitions, isLost),
      onCommitted: (offsets) =>
        this.#commits.confirm(new Map(offsets.map(({ partition, offset }) => [partition, offset]))),
      onCommitFailed: (errorCode, offsets) => this.#onCommitFailed(codeName(errorCode), offsets),
    });
  }

  /** The same with every batch seen through `handle` first; its records' lines are written after that. */
  async runHandling(handle: HandleBatch): Promise<boolean> {
    try {
      while (!this.#cells.isStopRequested) {
        this.#consumer.poll(this.#batch, 0);
        if (this.#batch.count === 0) await Bun.sleep(IDLE_MS);
        else await this.#handle(handle);
        this.#batch.release();
        this.#commits.markWritten(this.#cells.written);
        this.#consumer.commit(this.#commits.takeDue(performance.now()));
      }
      return this.#settle();
    } finally {
      this.#close();
    }
  }

  #close(): void {
    this.#batch.release();
    this.#consumer.close(CLOSE_MS);
  }

  /** While the handler works nothing is read, but the group is answered: a slow handler costs no membership. */
  async #handle(handle: HandleBatch): Promise<void> {
    this.#lost.clear();
    const end = { isOver: false };
    const handling = handle(this.#batch, this.#cells).finally(() => {
      end.isOver = true;
    });
    // Its rejection is for the end of this function.
    handling.catch(() => {});
    while (!end.isOver) {
      await Promise.race([handling.catch(() => {}), Bun.sleep(SERVE_MS)]);
      if (!end.isOver) this.#consumer.serve();
      this.#commits.markWritten(this.#cells.written);
      this.#consumer.commit(this.#commits.takeDue(performance.now()));
    }
    if (!(await handling)) return;
    // What another member has by now is its to write.
    this.#lines.add(this.#lost.size === 0 ? this.#batch : without(this.#batch, this.#lost));
  }

  /** Until a stop is asked for; then whether all that was written is committed. Throws where this member cannot go on; it is closed then, too. */
  run(): boolean {
    try {
      while (!this.#cells.isStopRequested) {
        this.#step(POLL_MS);
        this.#consumer.commit(this.#commits.takeDue(performance.now()));
      }
      return this.#settle();
    } finally {
      this.#close();
    }
  }

  #step(pollMs: number): void {
    this.#consumer.poll(this.#batch, pollMs);
    // What comes in spite of the pausing counts as not read: no handler has seen it, and nothing of it is committed.
    if (!this.#isSettling) this.#lines.add(this.#batch);
    this.#batch.release();
    this.#commits.markWritten(this.#cells.written);
  }

  /**
   * Reads no more, and commits what was read while this is still an ordinary member: one that leaves in the middle of a rebalance
   * takes no part in it any more, and the group refuses its commits.
   */
  #settle(): boolean {
    this.#isSettling = true;
    this.#consumer.pause([...this.#owned]);
    const deadline = performance.now() + SETTLE_MS;
    while (!this.#cells.isAbandoned && performance.now() < deadline) {
      if (this.#commits.outstanding === 0 && this.#commitAndConfirm(this.#commits.unconfirmed(), SETTLE_COMMIT_MS))
        return true;
      this.#step(SETTLE_POLL_MS);
    }
    return false;
  }

  #commitAndConfirm(offsets: ReadonlyMap<number, number>, timeoutMs: number): boolean {
    const isCommitted = this.#consumer.commitAndWait(offsets, timeoutMs);
    if (isCommitted) this.#commits.confirm(offsets);
    return isCommitted;
  }

  #hand(lines: Lines): void {
    for (const run of lines.runs) this.#expectNewer(run);
    this.#waitForWriter(() => this.#commits.outstanding < OUTSTANDING_MAX, Number.POSITIVE_INFINITY);
    this.#sequence = nextSequence(this.#sequence);
    this.#commits.sent(this.#sequence, lines.runs);
    this.#hooks.send(this.#sequence, lines);
  }

  /**
   * Offsets of a partition only grow while it is ours. Where they go back, the topic was made anew under us: its records are others, and
   * the writer would take them for lines that the file has.
   */
  #expectNewer({ partition, firstOffset, lastOffset }: Run): void {
    const last = this.#read.get(partition);
    if (last !== undefined && firstOffset <= last)
      throw new Error(
        `the offsets of partition ${partition} went back from ${last} to ${firstOffset}: the topic was made anew`,
      );
    this.#read.set(partition, lastOffset);
  }

  /** Waits for the writer until `isEnough`; false where the time was over before, or this member was told not to wait. */
  #waitForWriter(isEnough: () => boolean, timeoutMs: number): boolean {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const { written } = this.#cells;
      this.#commits.markWritten(written);
      if (isEnough()) return true;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || this.#cells.isAbandoned) return false;
      this.#cells.waitForWriter(written, Math.min(leftMs, POLL_MS));
    }
  }

  #onAssign(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.#owned.add(partition);
      this.#read.delete(partition);
    }
    if (this.#isSettling) this.#consumer.pause(partitions);
    if (partitions.length > 0) this.#hooks.log("info", "partitions assigned", { partitions });
  }

  #onRevoke(partitions: readonly number[], isLost: boolean): void {
    if (!isLost && !this.#waitForWriter(() => !this.#commits.isWaiting(partitions), REVOKE_WAIT_MS)) {
      this.#hooks.log("warn", "partitions were revoked before all of their lines were written", { partitions });
    }
    for (const partition of partitions) {
      this.#owned.delete(partition);
      this.#lost.add(partition);
    }
    const written = this.#commits.release(partitions);
    if (!isLost) this.#commitInTime(written);
    if (partitions.length > 0)
      this.#hooks.log("info", isLost ? "partitions lost" : "partitions revoked", { partitions });
  }

  /** More than once where need be: while the group goes over to its next generation, it refuses commits. */
  #commitInTime(offsets: ReadonlyMap<number, number>): void {
    const deadline = performance.now() + COMMIT_WAIT_MS;
    while (!this.#consumer.commitAndWait(offsets, Math.max(1, Math.ceil(deadline - performance.now())))) {
      if (performance.now() + COMMIT_RETRY_MS > deadline) return;
      Bun.sleepSync(COMMIT_RETRY_MS);
    }
  }

  /** What is still ours is committed with the next. What is not will be read again by its new owner, and suppressed. */
  #onCommitFailed(error: string, offsets: readonly PartitionOffset[]): void {
    const level = ORDINARY_IN_A_REBALANCE.has(error) ? "debug" : "warn";
    const pairs = offsets.map(({ partition, offset }) => [partition, offset]);
    this.#hooks.log(level, "committing offsets failed", { error, offsets: pairs });
    this.#commits.giveBack(offsets.map(({ partition }) => partition).filter((partition) => this.#owned.has(partition)));
  }
}

/** The batch as if it did not have these partitions. */
function without(batch: RecordBatch, lost: ReadonlySet<number>): Records {
  const kept = Array.from({ length: batch.count }, (_, i) => i).filter((i) => !lost.has(batch.partition(i)));
  return {
    count: kept.length,
    partition: (i) => batch.partition(kept[i]!),
    offset: (i) => batch.offset(kept[i]!),
    timestampMs: (i) => batch.timestampMs(kept[i]!),
    valueLength: (i) => batch.valueLength(kept[i]!),
    copyValue: (i, target, offset) => batch.copyValue(kept[i]!, target, offset),
    keyLength: (i) => batch.keyLength(kept[i]!),
    copyKey: (i, target, offset) => batch.copyKey(kept[i]!, target, offset),
    findHeader: (i, name) => batch.findHeader(kept[i]!, name),
    copyHeader: (target, offset) => batch.copyHeader(target, offset),
  };
}
