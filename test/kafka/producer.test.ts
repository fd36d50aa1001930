import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { CODES, type KafkaRecord } from "../../src/kafka/index.ts";
import type { Outcome } from "../../src/outcome.ts";
import { KafkaFixture, publishAll, readTopic, record } from "../support/mock.ts";

let kafka: KafkaFixture;
beforeEach(() => {
  kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 4);
});
afterEach(() => kafka.close());

describe("publish", () => {
  test("gives one outcome a record, with topic, partition and offset, in order within a partition", async () => {
    const records = Array.from({ length: 2000 }, (_, i) => record("events", `{"n":${i}}`, { key: `key-${i % 7}` }));
    const outcomes = await publishAll(kafka.producer(), records);
    const lastOffset = new Map<number, number>();
    for (const outcome of outcomes) {
      expect(outcome.status).toBe("acked");
      if (outcome.status !== "acked") continue;
      expect(outcome.topic).toBe("events");
      expect(outcome.offset!).toBeGreaterThan(lastOffset.get(outcome.partition) ?? -1);
      lastOffset.set(outcome.partition, outcome.offset!);
    }
  });

  test("carries key, value, headers and timestamp byte for byte", async () => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
    const sent: KafkaRecord[] = [
      record("events", everyByte, { key: "schlüssel-鍵", headers: [["id", "ä-1"]], timestampMs: 1_700_000_000_123 }),
      record("events", "", { key: "", headers: [["id", ""]] }),
      record("events", null, { key: Uint8Array.of(107), headers: [["id", Uint8Array.of(120, 121)]] }),
      record("events", "x".repeat(300_000), { headers: Array.from({ length: 100 }, (_, i) => [`h${i}`, `v${i}`] as const) }),
    ];
    await publishAll(kafka.producer(), sent);
    const read = readTopic(kafka.mock.bootstrap, "events", sent.length, { headers: ["id", "h0", "h99"] });
    const byKey = new Map(read.map((r) => [r.key, r]));
    const first = byKey.get("schlüssel-鍵")!;
    expect(first.value).toEqual(everyByte);
    expect(first.timestampMs).toBe(1_700_000_000_123);
    expect(first.headers.id).toBe("ä-1");
    expect(byKey.get("")!.value).toEqual(new Uint8Array(0));
    expect(byKey.get("")!.headers.id).toBe("");
    expect(byKey.get("k")!.value).toBeNull();
    expect(byKey.get("k")!.headers.id).toBe("xy");
    expect(byKey.get(null)!.value!.byteLength).toBe(300_000);
    expect(byKey.get(null)!.headers).toEqual({ h0: "v0", h99: "v99" });
  });

  test("partitions keys as the Java client does (murmur2)", async () => {
    // Expected: toPositive(murmur2(key)) % 4, with Utils.murmur2 of Apache Kafka.
    const expected = { "user-1": 0, "user-2": 0, "user-3": 0, alpha: 0 } as Record<string, number>;
    for (const key of Object.keys(expected)) expected[key] = (murmur2(Buffer.from(key)) & 0x7fffffff) % 4;
    const keys = Object.keys(expected);
    const outcomes = await publishAll(
      kafka.producer(),
      keys.map((key) => record("events", "{}", { key })),
    );
    expect(outcomes.map((o) => (o.status === "acked" ? o.partition : -1))).toEqual(keys.map((key) => expected[key]!));
    // One value known from Kafka's own UtilsTest, so that the function above is not its own judge.
    expect(murmur2(Buffer.from("21"))).toBe(-973932308);
  });
});

describe("faults", () => {
  test("retriable errors are retried and end as acked, once", async () => {
    const producer = kafka.producer();
    await publishAll(producer, [record("events", "warm")]);
    kafka.mock.failNext("Produce", [CODES_NOT_LEADER, CODES_TIMED_OUT, CODES_NOT_LEADER]);
    const outcomes = await publishAll(producer, [record("events", "retry me", { key: "k" })]);
    expect(outcomes[0]!.status).toBe("acked");
    const values = readTopic(kafka.mock.bootstrap, "events", 2).map((r) => Buffer.from(r.value!).toString());
    expect(values.sort()).toEqual(["retry me", "warm"]);
  });

  test("a record that Kafka finds too large is refused as too large", async () => {
    const producer = kafka.producer();
    kafka.mock.failNext("Produce", [CODES.ERR_MSG_SIZE_TOO_LARGE]);
    expect((await publishAll(producer, [record("events", "big")]))[0]).toMatchObject({ status: "refused", code: "event_too_large" });
  });

  test("a record over the producer's own limit is refused at once, its neighbours are not", async () => {
    const outcomes = await publishAll(kafka.producer({ maxRecordBytes: 1000 }), [
      record("events", "a"),
      record("events", "x".repeat(50_000)),
      record("events", "b"),
    ]);
    expect(outcomes.map((o) => (o.status === "refused" ? o.code : o.status))).toEqual(["acked", "event_too_large", "acked"]);
  });

  test("never sent because the broker is away: refused, within the delivery timeout", async () => {
    const producer = kafka.producer({ deliveryTimeoutMs: 3000 });
    await publishAll(producer, [record("events", "warm")]);
    kafka.mock.setDown();
    const started = performance.now();
    const [outcome] = await publishAll(producer, [record("events", "lost?")]);
    expect(outcome).toMatchObject({ status: "refused", code: "not_delivered" });
    expect(performance.now() - started).toBeLessThan(3000);
  }, 15_000);

  test("sent, and no answer: unknown, within the delivery timeout", async () => {
    const producer = kafka.producer({ deliveryTimeoutMs: 3000 });
    await publishAll(producer, [record("events", "warm")]);
    kafka.mock.setRoundTrip(20_000);
    const started = performance.now();
    const [outcome] = await publishAll(producer, [record("events", "in flight")]);
    expect(outcome).toMatchObject({ status: "unknown", code: "delivery_unknown" });
    expect(performance.now() - started).toBeLessThan(3000);
    kafka.mock.setRoundTrip(0);
  }, 15_000);

  test("a full queue refuses what does not fit and keeps the rest", async () => {
    const producer = kafka.producer({ maxQueuedRecords: 100 });
    const outcomes = await publishAll(
      producer,
      Array.from({ length: 300 }, () => record("events", "x")),
    );
    const count = (status: Outcome["status"]) => outcomes.filter((o) => o.status === status).length;
    expect(count("acked") + count("refused")).toBe(300);
    expect(count("acked")).toBeGreaterThanOrEqual(100);
    expect(outcomes.find((o) => o.status === "refused")).toMatchObject({ code: "overloaded" });
  });

  test("after a fatal error the producer is replaced, and serving goes on", async () => {
    const producer = kafka.producer();
    await publishAll(producer, [record("events", "before")]);
    producer.raiseFatalError(CODES_OUT_OF_ORDER, "raised by the test");
    // Until the replacement is there, records are refused as not delivered; none is lost without a word.
    let outcome: Outcome;
    do {
      outcome = (await publishAll(producer, [record("events", "after")]))[0]!;
      if (outcome.status !== "acked") expect(outcome).toMatchObject({ status: "refused", code: "not_delivered" });
    } while (outcome.status !== "acked");
    expect(producer.retirements).toBe(1);
  });

  test("close settles everything that waits", async () => {
    const producer = kafka.producer();
    await publishAll(producer, [record("events", "warm")]);
    kafka.mock.setDown();
    const waiting = publishAll(
      producer,
      Array.from({ length: 50 }, () => record("events", "x")),
    );
    await producer.close(100);
    for (const outcome of await waiting) expect(["refused", "unknown"]).toContain(outcome.status);
    expect(producer.pending).toBe(0);
  }, 15_000);
});

const CODES_NOT_LEADER = 6;
const CODES_TIMED_OUT = 7;
const CODES_OUT_OF_ORDER = 45;

/** Utils.murmur2 of Apache Kafka (clients/src/main/java/org/apache/kafka/common/utils/Utils.java), 32-bit, seed 0x9747b28c. */
function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ data.length;
  const words = data.length >> 2;
  for (let i = 0; i < words; i++) {
    let k = Buffer.from(data).readInt32LE(i * 4);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = data.subarray(words * 4);
  for (let i = rest.length - 1; i >= 0; i--) h ^= rest[i]! << (8 * i);
  if (rest.length > 0) h = Math.imul(h, m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}
