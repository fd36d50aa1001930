/**
 * The consumer's calls. Records and events come on queues of their own: `rd_kafka_consume_batch_queue` throws away every
 * event on the queue it reads, so each assigned partition is forwarded to a queue that only records reach, and rebalances
 * are polled from the group's queue. No C thread and no C call ever calls back into JavaScript.
 */
import type { Pointer } from "bun:ffi";
import type { RecordBatch } from "./batch.ts";
import { type ClientHandle, ConfigurationError } from "./client.ts";
import { CODES } from "./codes.ts";
import { rd } from "./library.ts";
import { cString, textAt } from "./memory.ts";
import { type PartitionOffset, type PartitionResult, readPartitionList, withPartitionList } from "./partitions.ts";
import { EventQueue } from "./queue.ts";
import { EVENT } from "./structs.ts";

/** A rebalance that waits for its answer: `answer` must be called for the group to go on. */
export interface AssignmentEvent {
  readonly kind: "assign" | "revoke";
  readonly partitions: readonly PartitionResult[];
  /** The group has taken them away already: committing for them would fail. */
  readonly isLost: boolean;
}

/** Kafka answers for each partition. `errorCode` is the request's, or that of one of them. */
export interface CommitResult {
  readonly errorCode: number;
  readonly partitions: readonly PartitionResult[];
}

export type GroupEvent =
  | { readonly type: "assignment"; readonly event: AssignmentEvent }
  | ({ readonly type: "committed" } & CommitResult)
  | { readonly type: "error"; readonly errorCode: number; readonly message: string; readonly isFatal: boolean };

export class ConsumerCalls {
  readonly #client: ClientHandle;
  /** Rebalances, commit results and the group's errors. */
  readonly #group: EventQueue;
  /** Records, and nothing else. */
  readonly #records: EventQueue;
  /** Where librdkafka forwards the group's queue while it closes. */
  #closing: EventQueue | undefined;
  /** Filled from here. What of them is not released when the consumer is destroyed must be, or `rd_kafka_destroy` never ends. */
  readonly #batches = new Set<RecordBatch>();

  /** Throws a `ConfigurationError` for a client that belongs to no group. */
  constructor(client: ClientHandle) {
    this.#client = client;
    const group = rd().rd_kafka_queue_get_consumer(client.rk);
    if (group === null) throw new ConfigurationError("a consumer needs a group.id");
    this.#group = new EventQueue(group);
    this.#records = EventQueue.create(client.rk);
  }

  /** Waits until the group's coordinator has answered something, whatever that is, or the time is over. */
  awaitCoordinator(topic: string, timeoutMs: number): void {
    withPartitionList([{ topic, partition: 0 }], (list) => rd().rd_kafka_committed(this.#client.rk, list, timeoutMs));
  }

  subscribe(topic: string): number {
    return withPartitionList([{ topic, partition: -1 }], (list) => rd().rd_kafka_subscribe(this.#client.rk, list));
  }

  fill(batch: RecordBatch, timeoutMs: number, onError: (errorCode: number, partition: number) => void): void {
    for (const known of this.#batches) if (known.count === 0) this.#batches.delete(known);
    this.#batches.add(batch);
    batch.fill(this.#records.handle, timeoutMs, onError);
  }

  /** The next event of the group, or undefined after `timeoutMs`. An assignment must be answered: `assign`, `unassign`. */
  nextGroupEvent(timeoutMs: number): GroupEvent | undefined {
    for (;;) {
      const event = this.#group.poll(timeoutMs);
      if (event === null) return undefined;
      try {
        const read = this.#readGroupEvent(event);
        if (read) return read;
      } finally {
        rd().rd_kafka_event_destroy(event);
      }
    }
  }

  #readGroupEvent(event: Pointer): GroupEvent | undefined {
    const errorCode = rd().rd_kafka_event_error(event);
    switch (rd().rd_kafka_event_type(event)) {
      case EVENT.REBALANCE: {
        const partitions = readPartitionList(rd().rd_kafka_event_topic_partition_list(event));
        const kind = errorCode === CODES.ERR__ASSIGN_PARTITIONS ? "assign" : "revoke";
        const isLost = kind === "revoke" && rd().rd_kafka_assignment_lost(this.#client.rk) !== 0;
        return { type: "assignment", event: { kind, partitions, isLost } };
      }
      case EVENT.OFFSET_COMMIT:
        return { type: "committed", ...readCommit(event) };
      case EVENT.ERROR:
        return {
          type: "error",
          errorCode,
          message: textAt(rd().rd_kafka_event_error_string(event)),
          isFatal: rd().rd_kafka_event_error_is_fatal(event) !== 0,
        };
      case EVENT.FETCH:
        // It can only come from a partition that was not forwarded. Dropped, it would be skipped by the next commit.
        return {
          type: "error",
          errorCode: CODES.ERR__FAIL,
          message: "a record came on the group's queue",
          isFatal: true,
        };
      default:
        return undefined;
    }
  }

  /** Takes the partitions on, from the committed offsets. Their records come out of `fill`. Returns an error's text, or "". */
  assign(partitions: readonly { topic: string; partition: number }[]): string {
    for (const { topic, partition } of partitions) {
      if (!this.#forward(topic, partition)) return `partition ${partition} of ${topic} has no queue`;
    }
    return withPartitionList(partitions, (list) =>
      this.#isCooperative()
        ? takeError(rd().rd_kafka_incremental_assign(this.#client.rk, list))
        : codeText(rd().rd_kafka_assign(this.#client.rk, list)),
    );
  }

  unassign(partitions: readonly { topic: string; partition: number }[]): string {
    if (!this.#isCooperative()) return this.unassignAll();
    return withPartitionList(partitions, (list) =>
      takeError(rd().rd_kafka_incremental_unassign(this.#client.rk, list)),
    );
  }

  /** The one answer to a rebalance while the member leaves. */
  unassignAll(): string {
    return codeText(rd().rd_kafka_assign(this.#client.rk, null));
  }

  #isCooperative(): boolean {
    return textAt(rd().rd_kafka_rebalance_protocol(this.#client.rk)) === "COOPERATIVE";
  }

  /** For each assignment anew: librdkafka ends the forwarding when it stops reading the partition. */
  #forward(topic: string, partition: number): boolean {
    const queue = rd().rd_kafka_queue_get_partition(this.#client.rk, cString(topic), partition);
    if (queue === null) return false;
    rd().rd_kafka_queue_forward(queue, this.#records.handle);
    rd().rd_kafka_queue_destroy(queue);
    return true;
  }

  /** Asks for a commit; its result comes as a group event. Returns librdkafka's code where it was not even asked. */
  commit(offsets: readonly PartitionOffset[]): number {
    return withPartitionList(offsets, (list) =>
      rd().rd_kafka_commit_queue(this.#client.rk, list, this.#group.handle, null, null),
    );
  }

  /** Commits and waits up to `timeoutMs` for the answer: undefined where none came. */
  commitAndWait(offsets: readonly PartitionOffset[], timeoutMs: number): CommitResult | undefined {
    const queue = EventQueue.create(this.#client.rk);
    try {
      const asked = withPartitionList(offsets, (list) =>
        rd().rd_kafka_commit_queue(this.#client.rk, list, queue.handle, null, null),
      );
      if (asked !== 0) return { errorCode: asked, partitions: [] };
      const event = queue.poll(timeoutMs);
      if (event === null) return undefined;
      try {
        return readCommit(event);
      } finally {
        rd().rd_kafka_event_destroy(event);
      }
    } finally {
      queue.destroy();
    }
  }

  pause(partitions: readonly { topic: string; partition: number }[]): void {
    withPartitionList(partitions, (list) => rd().rd_kafka_pause_partitions(this.#client.rk, list));
  }

  resume(partitions: readonly { topic: string; partition: number }[]): void {
    withPartitionList(partitions, (list) => rd().rd_kafka_resume_partitions(this.#client.rk, list));
  }

  /**
   * Starts leaving the group. Events go on coming out of `nextGroupEvent`; the first rebalance among them must be answered, with
   * `unassignAll`, and no other: calls for a group that is gone do not return. Returns an error's text where there is no leaving
   * any more (after a fatal error), or "".
   */
  startClose(): string {
    this.#closing ??= EventQueue.create(this.#client.rk);
    return takeError(rd().rd_kafka_consumer_close_queue(this.#client.rk, this.#closing.handle));
  }

  get isClosed(): boolean {
    return rd().rd_kafka_consumer_closed(this.#client.rk) !== 0;
  }

  /** Gives batches and queues back; before the client is destroyed. */
  destroy(): void {
    for (const batch of this.#batches) batch.release();
    this.#batches.clear();
    this.#records.destroy();
    this.#group.destroy();
    this.#closing?.destroy();
  }
}

function readCommit(event: Pointer): CommitResult {
  const partitions = readPartitionList(rd().rd_kafka_event_topic_partition_list(event));
  return { errorCode: rd().rd_kafka_event_error(event), partitions };
}

function takeError(error: Pointer | null): string {
  if (error === null) return "";
  const text = textAt(rd().rd_kafka_error_string(error));
  rd().rd_kafka_error_destroy(error);
  return text;
}

function codeText(code: number): string {
  return code === 0 ? "" : textAt(rd().rd_kafka_err2str(code));
}
