/** Many records through the real Kafka and back: every byte, every header, the order of every key. */
import { expect, test } from "bun:test";
import { Producer, producerConfig } from "../../src/kafka/index.ts";
import { newTopic } from "../support/cluster.ts";
import { publishAll, quiet, readTopic, record, settings } from "../support/mock.ts";

const RECORDS = 50_000;
const KEYS = 97;
const BATCH = 1000;

/** Bytes of every kind and of lengths 0 to 400, from the record's number alone. */
function bytesOf(i: number): Uint8Array {
  return Uint8Array.from({ length: (i * 31) % 401 }, (_, at) => (i * 7 + at * 13) & 0xff);
}

test(`${RECORDS} records come back whole, once, and in order within their key`, async () => {
  const { brokers, topic } = await newTopic(6);
  const producer = new Producer({
    config: producerConfig(settings(brokers, { deliveryTimeoutMs: 30_000 })),
    log: quiet,
  });
  const sent = Array.from({ length: RECORDS }, (_, i) =>
    record(topic, bytesOf(i), {
      key: `key-${i % KEYS}`,
      headers: [["id", `${i}`]],
      timestampMs: 1_700_000_000_000 + i,
    }),
  );
  const published: ReturnType<typeof publishAll>[] = [];
  for (let i = 0; i < RECORDS; i += BATCH) {
    published.push(publishAll(producer, sent.slice(i, i + BATCH)));
    // Between batches the reports and whatever else there is get their turn, and the collector may move things.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (i % (BATCH * 10) === 0) Bun.gc(true);
  }
  const outcomes = (await Promise.all(published)).flat();
  await producer.close(1000);
  expect(outcomes.filter((outcome) => outcome.status !== "acked")).toEqual([]);

  const read = readTopic(brokers, topic, RECORDS, { headers: ["id"] });
  expect(read.length).toBe(RECORDS);
  const lastOfKey = new Map<string, number>();
  const seen = new Set<number>();
  for (const { key, value, headers, timestampMs, partition, offset } of read) {
    const i = Number(headers.id);
    const outcome = outcomes[i]!;
    const isRight =
      outcome.status === "acked" &&
      key === `key-${i % KEYS}` &&
      Buffer.compare(value!, bytesOf(i)) === 0 &&
      timestampMs === 1_700_000_000_000 + i &&
      outcome.partition === partition &&
      outcome.offset === offset &&
      (lastOfKey.get(key) ?? -1) < i;
    if (!isRight)
      throw new Error(`record ${i} came back as ${JSON.stringify({ key, headers, timestampMs, partition, offset })}`);
    lastOfKey.set(key, i);
    seen.add(i);
  }
  expect(seen.size).toBe(RECORDS);
}, 90_000);
