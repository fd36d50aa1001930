/** `bun run serve`: the HTTP producer. Reads options, wires http → ingest → kafka, runs until a signal, drains. */
import packageJson from "../package.json" with { type: "json" };
import { runCommand, type StopSignal } from "./command.ts";
import { createApp, type KafkaState, listen, readTls, watchKeys } from "./http/index.ts";
import { DeadLetters, Ingest, type Publish } from "./ingest/index.ts";
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
import { checkAccess, readOrigins } from "./options/access.ts";
import { UsageError, type Values } from "./options/core.ts";
import { serveOptions } from "./options/serve.ts";
import { SchemaFolderError, SchemaSet } from "./schemas/index.ts";

type Options = Values<typeof serveOptions>;

/** Beyond the delivery timeout, for the answers themselves. */
const DRAIN_MARGIN_MS = 2000;

async function serve(options: Options, stop: StopSignal): Promise<number> {
  checkAccess(options);
  const properties = kafkaProperties(options.kafkaConfig, (given) => [
    { type: "producer", config: adminConfig({ brokers: options.kafkaBrokers, properties: given }) },
    { type: "producer", config: producerOf(options, given) },
  ]);
  const log = createLog("serve", options.logLevel);
  log.info(
    { librdkafka: library().info.version, source: library().info.source, path: library().info.path },
    "starting",
  );
  const schemas = openSchemas(options, log);
  const access = await openAccess(options, log);
  const kafka = connect(options, properties, log);
  const ingest = new Ingest({
    publish: kafka.publish,
    kafkaAwayMs: () => kafka.reachability.awayMs,
    limits: options,
    buffer: { lingerMs: options.lingerMs, maxEvents: options.batchMaxEvents, maxBytes: options.batchMaxBytes },
  });
  const state = (): KafkaState => ({
    isReachable: kafka.reachability.isReachable,
    awayMs: kafka.reachability.awayMs,
    brokers: options.kafkaBrokers,
    topic: options.kafkaTopic,
    isTopicReady: kafka.topics.every((topic) => topic.isReady),
  });
  const server = listen(
    createApp({
      ingest,
      kafka: state,
      log,
      version: packageJson.version,
      limits: options,
      topics: topicsOf(options),
      ack: options.ack,
      rules: {
        keyMember: options.keyMember,
        schemaProblem: schemas && ((type, value) => schemas.check(type, value)),
      },
      deadLetters: options.deadLetter
        ? new DeadLetters({ topic: options.deadLetterTopic, publish: kafka.publish, log })
        : undefined,
      ...access,
    }),
    { host: options.host, port: options.port, tls: access.tls, log },
  );
  if (access.tls) process.on("SIGHUP", server.reloadTls);
  log.info({ url: server.url, kafka: options.kafkaBrokers, topic: options.kafkaTopic }, `listening on ${server.url}`);

  const signal = await stop.whenRequested;
  log.info({ signal, ...ingest.fill }, "stopping: no new events; what waits is answered first");
  const drained = ingest.drain();
  await server.stop(options.deliveryTimeoutMs + DRAIN_MARGIN_MS);
  await kafka.close();
  await drained;
  ingest.stop();
  schemas?.close();
  access.close();
  log.info({ counts: ingest.counts }, "stopped");
  return 0;
}

/** Throws `UsageError` where the folder or a schema in it will not do. */
function openSchemas({ schemas, schemasUnknown }: Options, log: Log): SchemaSet | undefined {
  if (schemas === undefined) return undefined;
  try {
    return new SchemaSet({ folder: schemas, unknown: schemasUnknown, log });
  } catch (cause) {
    throw cause instanceof SchemaFolderError ? new UsageError(`--schemas ${schemas}: ${cause.message}`) : cause;
  }
}

/** Who may come in. Before anything connects: what is wrong with the files is a matter for whoever typed their names. */
async function openAccess(options: Options, log: Log) {
  const { tlsCert, tlsKey } = options;
  const tls = tlsCert !== undefined && tlsKey !== undefined ? { cert: tlsCert, key: tlsKey } : undefined;
  if (tls) readTls(tls);
  const watched = options.apiKeys === undefined ? undefined : await watchKeys(options.apiKeys, log);
  if (watched) log.info({ keys: watched.ring.names }, "events are taken from the holders of these API keys");
  else log.warn({ host: options.host }, "open: without --api-keys, whoever reaches the address may send events");
  return {
    keys: watched?.ring,
    corsOrigins: readOrigins(options.corsOrigins),
    tls,
    close: () => watched?.close(),
  };
}

/** The one of the paths that name none, then the others. */
function topicsOf({ kafkaTopic, topics }: Options): readonly [string, ...string[]] {
  return [kafkaTopic, ...new Set(topics?.split(",") ?? [])];
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
  const made = { partitions: options.kafkaPartitions, replication: options.kafkaReplication };
  const names = options.deadLetter ? [...topicsOf(options), options.deadLetterTopic] : topicsOf(options);
  const topics = names.map((topic) => new TopicKeeper(admin, { topic, ...made }, kafkaLog));
  const close = async () => {
    reachability.stop();
    for (const topic of topics) topic.stop();
    await producer.close(0);
    await admin.close();
  };
  const publish: Publish = (batch, settle) => producer.publish(batch, settle);
  return { reachability, publish, topics, close };
}

await runCommand({
  name: "serve",
  about:
    "Takes events over HTTP and puts them into Kafka. An event answered with status acked is on every in-sync replica.",
  options: serveOptions,
  run: serve,
});
