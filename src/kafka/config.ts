/**
 * Configuration of clients, in the Confluent package's own types. What Sluice's guarantees rest on is set here, once.
 */
import type {
  ConsumerGlobalConfig,
  ConsumerTopicConfig,
  GlobalConfig,
  ProducerGlobalConfig,
  ProducerTopicConfig,
} from "@confluentinc/kafka-javascript/types/config.d.ts";
import { ConfigurationError, type LibraryInfo } from "./native/index.ts";

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
}

/** librdkafka scans once a second, and reports come after the scan. */
const SCAN_MARGIN_MS = 2000;
const MESSAGE_OVERHEAD_BYTES = 10_000;

export function producerConfig(settings: ProducerSettings): ProducerConfig {
  return {
    ...COMMON,
    "bootstrap.servers": settings.brokers,
    "client.id": "sluice-serve",
    "enable.idempotence": true,
    acks: -1,
    // As the Java client's default partitioner: the same key goes to the same partition whoever produces.
    partitioner: "murmur2_random",
    // The linger/batch buffer in front of librdkafka does the waiting. These 0.2 ms, a tenth of a round trip, let the records of one
    // flush leave in one request: without them librdkafka's thread sends the first alone (a quarter more requests answered a second).
    "linger.ms": 0.2,
    "message.timeout.ms": Math.max(500, settings.deliveryTimeoutMs - SCAN_MARGIN_MS),
    "message.max.bytes": settings.maxRecordBytes + MESSAGE_OVERHEAD_BYTES,
    "queue.buffering.max.messages": settings.maxQueuedRecords,
    "queue.buffering.max.kbytes": Math.ceil(settings.maxQueuedBytes / 1024),
    "allow.auto.create.topics": false,
    "socket.nagle.disable": true,
  };
}

export function adminConfig(brokers: string, group?: string): ClientConfig | ConsumerConfig {
  return {
    ...COMMON,
    "bootstrap.servers": brokers,
    "client.id": "sluice-admin",
    ...(group !== undefined && { "group.id": group }),
  };
}

export interface ConsumerSettings {
  readonly brokers: string;
  readonly group: string;
  /** Where a group without a committed offset starts. */
  readonly from: "earliest" | "latest";
}

export function consumerConfig(settings: ConsumerSettings): ConsumerConfig {
  return {
    ...COMMON,
    "bootstrap.servers": settings.brokers,
    "client.id": "sluice-consume",
    "group.id": settings.group,
    "auto.offset.reset": settings.from,
    // Offsets are committed by us, after the lines are in the file.
    "enable.auto.commit": false,
    "enable.auto.offset.store": false,
    "partition.assignment.strategy": "cooperative-sticky",
    // A killed member's partitions move on after this; killed within a rebalance, after twice this (the group gives it partitions,
    // or waits for it as its leader, once more). So "lines flow again within 15 s" needs the least that brokers allow by default.
    "session.timeout.ms": 6000,
    // A member learns of a rebalance by its heartbeat: partitions that move rest for about two of these.
    "heartbeat.interval.ms": 500,
    "max.poll.interval.ms": 300_000,
    // librdkafka's defaults (1000 ms, 100,000 messages) starve a fast reader.
    "fetch.queue.backoff.ms": 2,
    "fetch.error.backoff.ms": 100,
    "fetch.wait.max.ms": 50,
    "queued.min.messages": 1_000_000,
    "queued.max.messages.kbytes": 65_536,
  };
}

/** librdkafka's form of a configuration: everything is text. */
export function toProperties(config: ClientConfig | ProducerConfig | ConsumerConfig): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    if (value !== undefined && value !== null) properties[name] = String(value);
  }
  return properties;
}

interface Need {
  readonly feature: string;
  readonly wanted: (properties: Readonly<Record<string, string>>) => boolean;
  readonly debian: string;
  readonly fedora: string;
  readonly macos: string;
}

const is = (name: string, pattern: RegExp) => (p: Readonly<Record<string, string>>) => pattern.test(p[name] ?? "");
const CODEC = (codec: RegExp) => (p: Readonly<Record<string, string>>) =>
  codec.test(p["compression.type"] ?? p["compression.codec"] ?? "");
const MECHANISM = (mechanism: RegExp) => (p: Readonly<Record<string, string>>) =>
  /^sasl_/i.test(p["security.protocol"] ?? "") &&
  mechanism.test(p["sasl.mechanism"] ?? p["sasl.mechanisms"] ?? "GSSAPI");

const NEEDS: readonly Need[] = [
  {
    feature: "ssl",
    wanted: is("security.protocol", /ssl$/i),
    debian: "libssl-dev",
    fedora: "openssl-devel",
    macos: "openssl@3",
  },
  {
    feature: "sasl_scram",
    wanted: MECHANISM(/^SCRAM/i),
    debian: "libssl-dev",
    fedora: "openssl-devel",
    macos: "openssl@3",
  },
  {
    feature: "sasl_oauthbearer",
    wanted: MECHANISM(/^OAUTHBEARER/i),
    debian: "libssl-dev",
    fedora: "openssl-devel",
    macos: "openssl@3",
  },
  {
    feature: "sasl_gssapi",
    wanted: MECHANISM(/^GSSAPI/i),
    debian: "libsasl2-dev",
    fedora: "cyrus-sasl-devel",
    macos: "cyrus-sasl",
  },
  { feature: "zstd", wanted: CODEC(/^zstd$/i), debian: "libzstd-dev", fedora: "libzstd-devel", macos: "zstd" },
  { feature: "lz4", wanted: CODEC(/^lz4$/i), debian: "liblz4-dev", fedora: "lz4-devel", macos: "lz4" },
  { feature: "gzip", wanted: CODEC(/^gzip$/i), debian: "zlib1g-dev", fedora: "zlib-devel", macos: "zlib" },
];

/** Throws `ConfigurationError` where the configuration needs something that is not built into this library. */
export function requireFeatures(
  properties: Readonly<Record<string, string>>,
  info: Pick<LibraryInfo, "features" | "path">,
): void {
  for (const need of NEEDS) {
    if (!need.wanted(properties) || info.features.has(need.feature)) continue;
    throw new ConfigurationError(
      `this configuration needs ${need.feature}, which the librdkafka at ${info.path} was built without. Install ` +
        `${need.debian} (Debian, Ubuntu), ${need.fedora} (Fedora) or ${need.macos} (brew), then \`bun run setup --rebuild\``,
    );
  }
}
