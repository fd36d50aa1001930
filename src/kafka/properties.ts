/**
 * librdkafka properties that the user gives (`--kafka-config`), and which client takes which. A property that only producers or
 * only consumers know is kept from the others: librdkafka would warn of it at each start.
 */

/** By name, in the order in which they are to be set: of two names for one thing, the later counts. */
export type Properties = Readonly<Record<string, string>>;

/** `test/kafka/properties.test.ts` compares these with librdkafka's own table. */
export const PRODUCER_ONLY: ReadonlySet<string> = new Set([
  "transactional.id",
  "transaction.timeout.ms",
  "enable.idempotence",
  "enable.gapless.guarantee",
  "queue.buffering.max.messages",
  "queue.buffering.max.kbytes",
  "queue.buffering.max.ms",
  "linger.ms",
  "message.send.max.retries",
  "retries",
  "queue.buffering.backpressure.threshold",
  "compression.codec",
  "compression.type",
  "batch.num.messages",
  "batch.size",
  "delivery.report.only.error",
  "dr_cb",
  "dr_msg_cb",
  "sticky.partitioning.linger.ms",
  "request.required.acks",
  "acks",
  "request.timeout.ms",
  "message.timeout.ms",
  "delivery.timeout.ms",
  "queuing.strategy",
  "produce.offset.report",
  "partitioner",
  "partitioner_cb",
  "msg_order_cmp",
  "compression.level",
]);
export const CONSUMER_ONLY: ReadonlySet<string> = new Set([
  "group.id",
  "group.instance.id",
  "partition.assignment.strategy",
  "session.timeout.ms",
  "heartbeat.interval.ms",
  "group.protocol.type",
  "group.protocol",
  "group.remote.assignor",
  "coordinator.query.interval.ms",
  "max.poll.interval.ms",
  "enable.auto.commit",
  "auto.commit.interval.ms",
  "enable.auto.offset.store",
  "queued.min.messages",
  "queued.max.messages.kbytes",
  "fetch.wait.max.ms",
  "fetch.queue.backoff.ms",
  "fetch.message.max.bytes",
  "max.partition.fetch.bytes",
  "fetch.max.bytes",
  "fetch.min.bytes",
  "fetch.error.backoff.ms",
  "offset.store.method",
  "isolation.level",
  "consume_cb",
  "rebalance_cb",
  "offset_commit_cb",
  "enable.partition.eof",
  "check.crcs",
  "max.poll.records",
  "share.acknowledgement.mode",
  "auto.commit.enable",
  "auto.offset.reset",
  "offset.store.path",
  "offset.store.sync.interval.ms",
  "consume.callback.max.messages",
]);

/** What of `properties` this client takes. Admin clients take what all clients do: how to reach Kafka. */
export function propertiesFor(client: "producer" | "consumer" | "admin", properties: Properties = {}): object {
  const isTaken = (name: string) =>
    PRODUCER_ONLY.has(name) ? client === "producer" : !CONSUMER_ONLY.has(name) || client === "consumer";
  return Object.fromEntries(Object.entries(properties).filter(([name]) => isTaken(name)));
}
