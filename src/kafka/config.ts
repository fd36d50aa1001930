/**
 * Configuration of clients, in the Confluent package's own types. What Sluice's guarantees rest on is set here, once, and cannot be
 * set from outside (`OWNED`); the rest is tuning, over which the user's own properties win.
 */
import type {
  ConsumerGlobalConfig,
  ConsumerTopicConfig,
  GlobalConfig,
  ProducerGlobalConfig,
  ProducerTopicConfig,
} from "@confluentinc/kafka-javascript/types/config.d.ts";
import { type Properties, propertiesFor } from "./properties.ts";

export type ClientConfig = GlobalConfig;
export type ProducerConfig = ProducerGlobalConfig & ProducerTopicConfig;
export type ConsumerConfig = ConsumerGlobalConfig & ConsumerTopicConfig;

/** For every client: come back quickly after an outage, and see new partitions soon. */
const COMMON = {
  "reconnect.backoff.ms": 50,
  "reconnect.backoff.max.ms": 1000,
  "log.connection.close": false,
  "topic.metadata.refresh.interval.ms": 10_000,
} satisfies GlobalConfig;

export interface ProducerSettings {
  readonly brokers: string;
  /** From `publish` to the outcome, at the most. librdkafka looks for timed-out messages once a second, so it is told less. */
  readonly deliveryTimeoutMs: number;
  readonly maxRecordBytes: number;
  /** The most that may wait in librdkafka; the caller's own admission keeps below it. */
  readonly maxQueuedRecords: number;
  readonly maxQueuedBytes: number;
  readonly properties?: Properties | undefined;
}

/** librdkafka scans once a second, and reports come after the scan. */
const SCAN_MARGIN_MS = 2000;
const MESSAGE_OVERHEAD_BYTES = 10_000;

function producerOwn(settings: ProducerSettings) {
  return {
    "bootstrap.servers": settings.brokers,
    "enable.idempotence": true,
    acks: -1,
    // As the Java client's default partitioner: the same key goes to the same partition whoever produces.
    partitioner: "murmur2_random",
    "message.timeout.ms": Math.max(500, settings.deliveryTimeoutMs - SCAN_MARGIN_MS),
    "message.max.bytes": settings.maxRecordBytes + MESSAGE_OVERHEAD_BYTES,
    "queue.buffering.max.messages": settings.maxQueuedRecords,
    "queue.buffering.max.kbytes": Math.ceil(settings.maxQueuedBytes / 1024),
    "allow.auto.create.topics": false,
  } satisfies ProducerConfig;
}

export function producerConfig(settings: ProducerSettings): ProducerConfig {
  return {
    ...COMMON,
    "client.id": "sluice-serve",
    // The linger/batch buffer in front of librdkafka does the waiting. These few microseconds are less than librdkafka's thread takes to
    // wake up: whatever is longer than that becomes a whole millisecond for a record that is alone, and 0 sends the first of many
    // with keys by itself.
    // Below 0.5 ms, too, records without a key are spread by native/turns.ts, and not by librdkafka's sticky partitioner.
    "linger.ms": 0.005,
    "socket.nagle.disable": true,
    ...propertiesFor("producer", settings.properties),
    ...producerOwn(settings),
  };
}

export interface AdminSettings {
  readonly brokers: string;
  readonly group?: string | undefined;
  readonly properties?: Properties | undefined;
}

export function adminConfig({ brokers, group, properties }: AdminSettings): ClientConfig | ConsumerConfig {
  return {
    ...COMMON,
    "client.id": "sluice-admin",
    ...propertiesFor("admin", properties),
    "bootstrap.servers": brokers,
    ...(group !== undefined && { "group.id": group }),
  };
}

export interface ConsumerSettings {
  readonly brokers: string;
  readonly group: string;
  /** Where a group without a committed offset starts. */
  readonly from: "earliest" | "latest";
  readonly properties?: Properties | undefined;
}

function consumerOwn(settings: ConsumerSettings) {
  return {
    "bootstrap.servers": settings.brokers,
    "group.id": settings.group,
    "auto.offset.reset": settings.from,
    // Offsets are committed by us, after the lines are in the file.
    "enable.auto.commit": false,
    "enable.auto.offset.store": false,
    "partition.assignment.strategy": "cooperative-sticky",
  } satisfies ConsumerConfig;
}

export function consumerConfig(settings: ConsumerSettings): ConsumerConfig {
  return {
    ...COMMON,
    "client.id": "sluice-consume",
    // A killed member's partitions move on after this; killed within a rebalance, after twice this (the group gives it partitions,
    // or waits for it as its leader, once more). So "lines flow again within 15 s" needs the least that brokers allow by default.
    "session.timeout.ms": 6000,
    // A member learns of a rebalance by its heartbeat: partitions that move rest for about two of these.
    "heartbeat.interval.ms": 200,
    "max.poll.interval.ms": 300_000,
    // librdkafka's defaults (1000 ms, 100,000 messages) starve a fast reader. A message that waits takes about 340 bytes beside its own.
    "fetch.queue.backoff.ms": 2,
    "fetch.error.backoff.ms": 100,
    "fetch.wait.max.ms": 50,
    "queued.min.messages": 200_000,
    "queued.max.messages.kbytes": 65_536,
    ...propertiesFor("consumer", settings.properties),
    ...consumerOwn(settings),
  };
}

/** For reading a topic without a group. librdkafka wants the name of one all the same; nothing is ever committed under it. */
export function readerConfig({ brokers, properties }: Omit<AdminSettings, "group">): ConsumerConfig {
  return {
    ...consumerConfig({ brokers, group: "sluice-reader", from: "earliest", properties }),
    "client.id": "sluice-reader",
    "enable.partition.eof": true,
  };
}

/** The option that sets an owned property, where one does. */
const OPTIONS: Readonly<Record<string, string>> = {
  "bootstrap.servers": "--kafka-brokers",
  "metadata.broker.list": "--kafka-brokers",
  "message.timeout.ms": "--delivery-timeout-ms",
  "delivery.timeout.ms": "--delivery-timeout-ms",
  "message.max.bytes": "--max-event-bytes",
  "queue.buffering.max.messages": "--max-pending-events",
  "queue.buffering.max.kbytes": "--max-pending-bytes",
  "group.id": "--kafka-group",
  "auto.offset.reset": "--from",
};

/** Other names of owned properties, and what would undermine them. Callbacks and what only C can be handed: by pattern. */
const ALSO_OWNED = [
  ...Object.keys(OPTIONS),
  ...["request.required.acks", "transactional.id", "enable.gapless.guarantee", "queuing.strategy", "msg_order_cmp"],
  ...["delivery.report.only.error", "produce.offset.report", "auto.commit.enable", "offset.store.method"],
  // Each worker is a member of its own, which a shared instance id would forbid; the rebalancing is the classic protocol's.
  ...["group.instance.id", "group.protocol", "group.protocol.type", "group.remote.assignor"],
  ...["log.queue", "enabled_events", "opaque", "default_topic_conf", "interceptors", "ssl_engine_callback_data"],
];
const OWNED_PATTERN = /_cb$|^ut_|^test\.mock\./;

const NO_SETTINGS = { brokers: "", deliveryTimeoutMs: 0, maxRecordBytes: 0, maxQueuedRecords: 0, maxQueuedBytes: 0 };
const OWNED: ReadonlySet<string> = new Set([
  ...Object.keys(producerOwn(NO_SETTINGS)),
  ...Object.keys(consumerOwn({ brokers: "", group: "", from: "earliest" })),
  ...ALSO_OWNED,
]);

/** Whether Sluice sets this property itself; then with the option that does, where one does. */
export function ownership(name: string): { readonly option: string | undefined } | undefined {
  return OWNED.has(name) || OWNED_PATTERN.test(name) ? { option: OPTIONS[name] } : undefined;
}

/** librdkafka's form of a configuration: everything is text. */
export function toProperties(config: ClientConfig | ProducerConfig | ConsumerConfig): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    if (value !== undefined && value !== null) properties[name] = String(value);
  }
  return properties;
}
