/** serve's clients of Kafka, and what they tell each other. */
import type { Publish, ReadOffsets } from "../ingest/index.ts";
import {
  Admin,
  adminConfig,
  BatchLimit,
  GroupOffsets,
  type KafkaLog,
  type PlannedClient,
  Producer,
  type Properties,
  producerConfig,
  Reachability,
  readerConfig,
  TopicKeeper,
} from "../kafka/index.ts";
import type { Log } from "../log.ts";
import type { Values } from "../options/core.ts";
import type { serveOptions } from "../options/serve.ts";

type Options = Values<typeof serveOptions>;

const OFFSETS_TIMEOUT_MS = 3000;

/** The clients that `connect` makes, so that `--kafka-config` is held against each before any of them is there. */
export function plannedClients(options: Options, given: Properties): PlannedClient[] {
  const { kafkaBrokers: brokers, filedGroup: group } = options;
  return [
    { type: "producer", config: adminConfig({ brokers, properties: given }) },
    { type: "consumer", config: adminConfig({ brokers, group, properties: given }) },
    { type: "producer", config: producerOf(options, given) },
    { type: "consumer", config: readerConfig({ brokers, properties: given }) },
  ];
}

/** The one of the paths that name none, then the others. */
export function topicsOf({ kafkaTopic, topics }: Options): readonly [string, ...string[]] {
  const others = new Set(topics?.split(",") ?? []);
  others.delete(kafkaTopic);
  return [kafkaTopic, ...others];
}

function producerOf(options: Options, properties: Properties) {
  return producerConfig({
    brokers: options.kafkaBrokers,
    // What lingers has used some of its time.
    deliveryTimeoutMs: options.deliveryTimeoutMs - (options.lingerMs ?? 0),
    maxRecordBytes: options.maxEventBytes,
    // Ingest's own budget keeps below these, and so do dead letters.
    maxQueuedRecords: options.maxPendingEvents * 2 + 10_000,
    maxQueuedBytes: options.maxPendingBytes * 2 + 32_000_000,
    properties,
  });
}

export function connect(options: Options, properties: Properties, log: Log) {
  const { kafkaBrokers: brokers } = options;
  const kafkaLog: KafkaLog = (level, message, fields) => log[level](fields, message);
  const onContact = () => reachability.noteContact();
  const admin = new Admin({ brokers, properties, log: kafkaLog, onContact });
  const reachability = new Reachability({
    admin,
    onChange: (isReachable) =>
      log[isReachable ? "info" : "warn"](isReachable ? "Kafka is reachable" : "Kafka is unreachable"),
  });
  const batchLimit = new BatchLimit({ admin, producer: () => producer, log: kafkaLog });
  const onBatchTooLarge = (topic: string) => void batchLimit.learn(topic);
  const config = producerOf(options, properties);
  const producer: Producer = new Producer({ config, log: kafkaLog, onContact, onBatchTooLarge });
  const made = { partitions: options.kafkaPartitions, replication: options.kafkaReplication };
  const names = options.deadLetter ? [...topicsOf(options), options.deadLetterTopic] : topicsOf(options);
  const topics = names.map(
    (topic) => new TopicKeeper(admin, { topic, ...made }, kafkaLog, (name) => batchLimit.learn(name)),
  );
  const group = new GroupOffsets({ brokers, properties, log: kafkaLog, group: options.filedGroup });
  const readCommitted: ReadOffsets = (topic, partitions) => group.read(topic, partitions, OFFSETS_TIMEOUT_MS);
  const readHighWatermarks: ReadOffsets = async (topic, partitions) => {
    const watermarks = await admin.watermarks(topic, partitions, OFFSETS_TIMEOUT_MS);
    return new Map(watermarks.map(({ partition, high }) => [partition, high]));
  };
  const close = async () => {
    reachability.stop();
    batchLimit.stop();
    for (const topic of topics) topic.stop();
    await Promise.all([producer.close(0), group.close(), admin.close()]);
  };
  const publish: Publish = (batch, settle) => producer.publish(batch, settle);
  const reader = { brokers, properties, log: kafkaLog };
  return { admin, reader, reachability, publish, producer, topics, readCommitted, readHighWatermarks, close };
}
