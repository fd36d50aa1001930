/**
 * Which partition records without a key go to: all of one batch to the same, the next batch to another, and over many batches as many to
 * each. Only to partitions that have a leader, once librdkafka knows which do.
 *
 * librdkafka's own ways are one by one, at random, so that a batch becomes as many requests as there are partitions; or staying with a
 * partition for a time, so that at the next one everybody waits for one request after the other. A request costs the broker, librdkafka
 * and serve the same whatever is in it (docs/PERFORMANCE.md).
 */
import type { Pointer } from "bun:ffi";
import { compiledProduce } from "./compiled.ts";
import { functionAddress, rd } from "./library.ts";
import { at, OwnedBuffer } from "./memory.ts";
import { turns } from "./structs.ts";

/** By topic, for all clients and for good: librdkafka's threads read them, and a client that is destroyed may outlive its owner. */
const ofTopics = new Map<string, OwnedBuffer>();

function turnsOf(topic: string): OwnedBuffer {
  const known = ofTopics.get(topic);
  if (known) return known;
  const made = new OwnedBuffer(turns.size);
  made.setWord(turns.isAvailable, functionAddress("rd_kafka_topic_partition_available") as number);
  made.setWord(turns.byKey, functionAddress("rd_kafka_msg_partitioner_murmur2_random") as number);
  // So that not every server begins with the same partition.
  made.u32[turns.turn >> 2] = Math.floor(Math.random() * 2 ** 32);
  ofTopics.set(topic, made);
  return made;
}

/** For `rd_kafka_topic_new`, which takes `conf` over. */
export interface TopicSetup {
  readonly conf: Pointer | null;
  /** For `sluice_produce`; 0: librdkafka partitions. */
  readonly turns: number;
}

/**
 * Only on the main thread: librdkafka's threads call the partitioner, and what a Worker has compiled may go with it. A Worker's records
 * without a key are spread as librdkafka does it.
 */
export function topicSetup(rk: Pointer, topic: string): TopicSetup {
  if (!Bun.isMainThread) return { conf: null, turns: 0 };
  const own = turnsOf(topic);
  // First what may throw: `conf` has no other owner yet.
  const { partitioner } = compiledProduce();
  const conf = rd().rd_kafka_default_topic_conf_dup(rk);
  rd().rd_kafka_topic_conf_set_partitioner_cb(conf, partitioner);
  rd().rd_kafka_topic_conf_set_opaque(conf, at(own, 0));
  return { conf, turns: own.address };
}
