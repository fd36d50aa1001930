/** `rd_kafka_topic_partition_list_t`: made and destroyed around one use, or read while borrowed. */
import { type Pointer, read } from "bun:ffi";
import { rd } from "./library.ts";
import { cString, int32, readI64, textAt } from "./memory.ts";
import { topicPartition, topicPartitionList } from "./structs.ts";

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to read; -1001 where there is none. */
  readonly offset: number;
}

export interface PartitionResult extends PartitionOffset {
  readonly errorCode: number;
}

/** Makes a list, lends it to `use`, destroys it. `offset` undefined leaves librdkafka's own default in. */
export function withPartitionList<T>(
  partitions: readonly { topic: string; partition: number; offset?: number }[],
  use: (list: Pointer) => T,
): T {
  const list = rd().rd_kafka_topic_partition_list_new(partitions.length)!;
  try {
    for (const { topic, partition, offset } of partitions) {
      const name = cString(topic);
      rd().rd_kafka_topic_partition_list_add(list, name, int32(partition, "a partition"));
      if (offset === undefined) continue;
      if (!Number.isSafeInteger(offset)) throw new RangeError(`an offset must be a whole number, not ${offset}`);
      rd().rd_kafka_topic_partition_list_set_offset(list, name, partition, offset);
    }
    return use(list);
  } finally {
    rd().rd_kafka_topic_partition_list_destroy(list);
  }
}

/** Copies what a borrowed list says. */
export function readPartitionList(list: Pointer | null): PartitionResult[] {
  if (list === null) return [];
  const count = read.i32(list, topicPartitionList.cnt);
  const elements = read.ptr(list, topicPartitionList.elems);
  return Array.from({ length: count }, (_, i) => readPartition((elements + i * topicPartition.size) as Pointer));
}

export function readPartition(element: Pointer): PartitionResult {
  return {
    topic: textAt(read.ptr(element, topicPartition.topic) as Pointer),
    partition: read.i32(element, topicPartition.partition),
    offset: readI64(element, topicPartition.offset),
    errorCode: read.i32(element, topicPartition.err),
  };
}
