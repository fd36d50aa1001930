/** `bun run serve`: the HTTP producer. Reads options, wires http → ingest → kafka, runs until a signal, drains. */
import packageJson from "../package.json" with { type: "json" };
import { runCommand, type StopSignal } from "./command.ts";
import { createApp, type KafkaState, listen } from "./http/index.ts";
import { Ingest } from "./ingest/index.ts";
import {
  Admin,
  adminConfig,
  type KafkaLog,
  library,
  Producer,
  type Properties,
  producerConfig,
  Reachability,
  TopicKeeper,
} from "./kafka/index.ts";
import { kafkaProperties } from "./kafka-config.ts";
import { createLog, type Log } from "./log.ts";
import type { Values } from "./options/core.ts";
import { serveOptions } from "./options/serve.ts";

type Options = Values<typeof serveOptions>;

/** Beyond the delivery timeout, for the answers themselves. */
const DRAIN_MARGIN_MS = 2000;

async function serve(options: Options, stop: StopSignal): Promise<number> {
  const properties = kafkaProperties(options.kafkaConfig, (given) => [
    { type: "producer", config: adminConfig({ brokers: options.kafkaBrokers, properties: given }) },
    { type: "producer", config: producerOf(options, given) },
  ]);
  const log = createLog("serve", options.logLevel);
  log.info(
    { librdkafka: library().info.version, source: library().info.source, path: library().info.path },
    "starting",
  );
  const kafka = connect(options, properties, log);
  const ingest = new Ingest({
    topic: options.kafkaTopic,
    publish: (batch, settle) => kafka.producer.publish(batch, settle),
    kafkaAwayMs: () => kafka.reachability.awayMs,
    limits: options,
    buffer: { lingerMs: options.lingerMs, maxEvents: options.batchMaxEvents, maxBytes: options.batchMaxBytes },
  });
  const state = (): KafkaState => ({
    isReachable: kafka.reachability.isReachable,
    awayMs: kafka.reachability.awayMs,
    brokers: options.kafkaBrokers,
    topic: options.kafkaTopic,
    isTopicReady: kafka.topic.isReady,
  });
  const server = listen(
    createApp({ ingest, kafka: state, log, version: packageJson.version, limits: options }),
    options,
  );
  log.info({ url: server.url, kafka: options.kafkaBrokers, topic: options.kafkaTopic }, `listening on ${server.url}`);

  const signal = await stop.whenRequested;
  log.info({ signal, ...ingest.fill }, "stopping: no new events; what waits is answered first");
  const drained = ingest.drain();
  await server.stop(options.deliveryTimeoutMs + DRAIN_MARGIN_MS);
  await kafka.close();
  await drained;
  ingest.stop();
  log.info({ counts: ingest.counts }, "stopped");
  return 0;
}

function producerOf(options: Options, properties: Properties) {
  return producerConfig({
    brokers: options.kafkaBrokers,
    deliveryTimeoutMs: options.deliveryTimeoutMs,
    maxRecordBytes: options.maxEventBytes,
    // Ingest's own budget keeps below these.
    maxQueuedRecords: options.maxPendingEvents * 2,
    maxQueuedBytes: options.maxPendingBytes * 2,
    properties,
  });
}

function connect(options: Options, properties: Properties, log: Log) {
  const kafkaLog: KafkaLog = (level, message, fields) => log[level](fields, message);
  const admin = new Admin({
    brokers: options.kafkaBrokers,
    properties,
    log: kafkaLog,
    onContact: () => reachability.noteContact(),
  });
  const reachability = new Reachability({
    admin,
    onChange: (isReachable) =>
      log[isReachable ? "info" : "warn"](isReachable ? "Kafka is reachable" : "Kafka is unreachable"),
  });
  const producer = new Producer({
    config: producerOf(options, properties),
    log: kafkaLog,
    onContact: () => reachability.noteContact(),
  });
  const topic = new TopicKeeper(
    admin,
    { topic: options.kafkaTopic, partitions: options.kafkaPartitions, replication: options.kafkaReplication },
    kafkaLog,
  );
  const close = async () => {
    reachability.stop();
    topic.stop();
    await producer.close(0);
    await admin.close();
  };
  return { reachability, producer, topic, close };
}

await runCommand({
  name: "serve",
  about:
    "Takes events over HTTP and puts them into Kafka. An event answered with status acked is on every in-sync replica.",
  options: serveOptions,
  run: serve,
});
