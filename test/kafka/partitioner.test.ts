/** The same key goes to the same partition whoever produces: librdkafka's choice against Kafka's own hash. */
import { expect, test } from "bun:test";
import { KafkaFixture, publishAll, record } from "../support/mock.ts";

/** The hash that the Java client partitions by: MurmurHash2, 32 bits, with a seed of Kafka's own. */
function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let h = 0x9747b28c ^ data.length;
  const words = data.length >> 2;
  for (let i = 0; i < words; i++) {
    let k = Math.imul(view.getInt32(i * 4, true), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = data.subarray(words * 4);
  for (let i = 0; i < rest.length; i++) h ^= rest[i]! << (8 * i);
  if (rest.length > 0) h = Math.imul(h, m);
  h = Math.imul(h ^ (h >>> 13), m);
  return h ^ (h >>> 15);
}

test("the hash gives what Apache Kafka's own unit test says it must", () => {
  // org.apache.kafka.common.utils.UtilsTest
  const known: Record<string, number> = {
    "21": -973932308,
    foobar: -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [text, hash] of Object.entries(known)) expect([text, murmur2(Buffer.from(text))]).toEqual([text, hash]);
});

test("keys are partitioned as the Java client does", async () => {
  const kafka = new KafkaFixture();
  const partitions = 7;
  kafka.mock.createTopic("events", partitions);
  const keys = ["21", "foobar", "schlüssel-鍵", ...Array.from({ length: 200 }, (_, i) => `user-${i ** 3}`)];
  const outcomes = await publishAll(
    kafka.producer(),
    keys.map((key) => record("events", "{}", { key })),
  );
  expect(outcomes.map((o) => (o.status === "acked" ? o.partition : -1))).toEqual(
    keys.map((key) => (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions),
  );
  await kafka.close();
});
