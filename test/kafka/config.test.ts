/** What clients are configured with: what Sluice's guarantees rest on, and what is refused. */
import { expect, test } from "bun:test";
import {
  Admin,
  ConfigurationError,
  Consumer,
  consumerConfig,
  library,
  Producer,
  producerConfig,
  requireFeatures,
} from "../../src/kafka/index.ts";
import { quiet, settings } from "../support/mock.ts";

const consumer = consumerConfig({ brokers: "127.0.0.1:1", group: "g", from: "latest" });

test("the producer is idempotent, waits for every in-sync replica and partitions as the Java client", () => {
  expect(producerConfig(settings("a:1,b:2"))).toMatchObject({
    "bootstrap.servers": "a:1,b:2",
    "enable.idempotence": true,
    acks: -1,
    partitioner: "murmur2_random",
    "allow.auto.create.topics": false,
    "linger.ms": 0.005,
  });
});

test("librdkafka gives up two seconds before the delivery timeout, as it looks only once a second", () => {
  const timeout = (deliveryTimeoutMs: number) =>
    producerConfig(settings("a:1", { deliveryTimeoutMs }))["message.timeout.ms"];
  expect([10_000, 5000, 2500, 100].map(timeout)).toEqual([8000, 3000, 500, 500]);
});

test("the producer's limits are above what the caller lets in", () => {
  const config = producerConfig(settings("a:1", { maxRecordBytes: 1000, maxQueuedRecords: 7, maxQueuedBytes: 5000 }));
  expect(config["message.max.bytes"]).toBeGreaterThan(1000);
  expect(config["queue.buffering.max.messages"]).toBe(7);
  expect(config["queue.buffering.max.kbytes"]! * 1024).toBeGreaterThanOrEqual(5000);
});

test("the consumer commits nothing by itself, hands over one partition at a time, and finds partitions soon", () => {
  expect(consumer).toMatchObject({
    "group.id": "g",
    "auto.offset.reset": "latest",
    "enable.auto.commit": false,
    "enable.auto.offset.store": false,
    "partition.assignment.strategy": "cooperative-sticky",
  });
  expect(consumer["topic.metadata.refresh.interval.ms"]).toBeLessThanOrEqual(10_000);
  expect(consumer["session.timeout.ms"]).toBeLessThan(15_000);
});

test("a feature that is not built in is refused, with the package to install", () => {
  const bare = { path: "/some/librdkafka.so", features: new Set(["gzip", "snappy"]) };
  const refusal = (properties: Record<string, string>) => {
    try {
      requireFeatures(properties, bare);
    } catch (cause) {
      expect(cause).toBeInstanceOf(ConfigurationError);
      return (cause as Error).message;
    }
    return "";
  };
  for (const [properties, feature, ...packages] of [
    [{ "security.protocol": "SSL" }, "ssl", "libssl-dev", "openssl-devel", "openssl@3"],
    [{ "security.protocol": "sasl_ssl" }, "ssl", "libssl-dev"],
    [{ "security.protocol": "sasl_plaintext", "sasl.mechanism": "SCRAM-SHA-256" }, "sasl_scram", "libssl-dev"],
    [{ "security.protocol": "sasl_plaintext" }, "sasl_gssapi", "libsasl2-dev", "cyrus-sasl-devel"],
    [{ "compression.type": "zstd" }, "zstd", "libzstd-dev", "libzstd-devel", "zstd"],
    [{ "compression.codec": "lz4" }, "lz4", "liblz4-dev"],
    [{ "sasl.oauthbearer.method": "oidc" }, "oidc", "libcurl4-openssl-dev", "libcurl-devel"],
  ] as const) {
    const message = refusal({ ...properties });
    expect(message).toContain(`needs ${feature},`);
    for (const each of packages) expect(message).toContain(each);
    expect(message).toContain("bun run setup --rebuild");
  }
  const accepted = [
    { "compression.type": "gzip" },
    { "security.protocol": "plaintext" },
    { "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN" },
  ];
  expect(accepted.map((properties) => refusal(properties))).toEqual(["", "", ""]);
  expect(() => requireFeatures({ "compression.type": "gzip" }, library().info)).not.toThrow();
});

test("what librdkafka does not take is refused in its own words, and nothing is left behind", () => {
  // Not of the package's types, as a file or an environment variable may hold it.
  const wrong = { "linger.ms": "soon" } as object;
  const brokers = "127.0.0.1:1";
  expect(() => new Producer({ config: { ...producerConfig(settings(brokers)), ...wrong }, log: quiet })).toThrow(
    ConfigurationError,
  );
  expect(() => new Admin({ brokers, log: quiet, config: { "no.such.property": 1 } as object })).toThrow(
    "no.such.property",
  );
  expect(() => new Admin({ brokers, log: quiet, config: { "client.id": "a\0b" } })).toThrow("NUL");
  const hooks = { log: quiet, onAssign: () => {}, onRevoke: () => {}, onCommitFailed: () => {} };
  const { "group.id": _, ...groupless } = consumer;
  expect(() => new Consumer(groupless, "events", hooks)).toThrow("group.id");
  expect(() => new Consumer(consumer, "a\0b", hooks)).toThrow("NUL");
  expect(
    () => new Consumer({ ...consumer, "session.timeout.ms": 1, "max.poll.interval.ms": 0 }, "events", hooks),
  ).toThrow();
});
