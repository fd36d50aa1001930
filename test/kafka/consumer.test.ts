/** One consumer's calls and its memory, against the mock cluster. What a group does: group.test.ts. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  CODES,
  type ConsumerHooks,
  consumerConfig,
  HeaderName,
  RecordBatch,
  TransferBuffer,
} from "../../src/kafka/index.ts";
import { ClientHandle, ConsumerCalls } from "../../src/kafka/native/index.ts";
import { joinGroup, KafkaFixture, Progress, pollUntil, publishAll, readTopic, record } from "../support/mock.ts";

let kafka: KafkaFixture;
beforeEach(() => {
  kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 4);
});
afterEach(() => kafka.close());

const join = (group: string, hooks: Partial<ConsumerHooks> = {}) =>
  joinGroup(kafka.mock.bootstrap, "events", group, hooks);

test("every record comes once, in order within its partition, across chunked batches", async () => {
  const sent = Array.from({ length: 5000 }, (_, i) => record("events", `${i}`, { key: `k${i % 11}` }));
  await publishAll(kafka.producer(), sent);
  const read = readTopic(kafka.mock.bootstrap, "events", sent.length);
  expect(read.map((r) => Number(Buffer.from(r.value!).toString())).sort((a, b) => a - b)).toEqual(
    sent.map((_, i) => i),
  );
  const next = new Map<number, number>();
  for (const r of read) {
    expect(r.offset).toBe(next.get(r.partition) ?? 0);
    next.set(r.partition, r.offset + 1);
  }
});

test("pause holds a partition back, resume lets it go on", async () => {
  const assigned: number[] = [];
  const consumer = join("paused", { onAssign: (partitions) => assigned.push(...partitions) });
  pollUntil(consumer, () => assigned.length === 4);
  // All are being read: a pause that meets the start of that may come too late for what is fetched first.
  const producer = kafka.producer();
  for (let turn = 0; turn < 8; turn++) await publishAll(producer, [record("events", "before")]);
  const progress = new Progress();
  pollUntil(consumer, () => progress.count === 8, progress.take);
  expect(progress.next.size).toBe(4);
  consumer.pause([0, 1, 2, 3]);
  await publishAll(producer, [record("events", "held")]);
  const batch = new RecordBatch(10);
  for (let i = 0; i < 10; i++) consumer.poll(batch, 20);
  expect(batch.count).toBe(0);
  consumer.resume([0, 1, 2, 3]);
  let seen = 0;
  pollUntil(
    consumer,
    () => seen === 1,
    (b) => {
      seen += b.count;
    },
  );
  expect(() => consumer.pause([2 ** 32 + 1])).toThrow(RangeError);
  consumer.close(5000);
}, 20_000);

// librdkafka 2.15.1 by itself looks at them up to a second after they were paused (scripts/librdkafka.ts mends it): some 6 s for all turns.
test("what is resumed is read on at once", async () => {
  const assigned: number[] = [];
  const consumer = join("resumed", { onAssign: (partitions) => assigned.push(...partitions) });
  pollUntil(consumer, () => assigned.length === 4);
  const producer = kafka.producer();
  const batch = new RecordBatch(10);
  let waitedMs = 0;
  for (let turn = 1; turn <= 8; turn++) {
    const progress = new Progress();
    await publishAll(producer, [record("events", `${turn}`)]);
    const resumedAt = performance.now();
    consumer.resume([0, 1, 2, 3]);
    pollUntil(consumer, () => progress.count === 1, progress.take);
    // The first is not about resuming.
    if (turn > 1) waitedMs += performance.now() - resumedAt;
    consumer.pause([0, 1, 2, 3]);
    for (let i = 0; i < 10; i++) consumer.poll(batch, 10);
    expect(batch.count).toBe(0);
  }
  expect(waitedMs).toBeLessThan(3000);
  consumer.close(5000);
}, 20_000);

test("closing without a broker ends in time", () => {
  const assigned: number[] = [];
  const consumer = join("gone", { onAssign: (partitions) => assigned.push(...partitions) });
  pollUntil(consumer, () => assigned.length === 4);
  kafka.mock.setDown();
  const started = performance.now();
  consumer.close(1500);
  expect(performance.now() - started).toBeLessThan(5000);
}, 20_000);

test("a hook that throws while the member leaves does not keep it from leaving", () => {
  const assigned: number[] = [];
  const lines: string[] = [];
  const consumer = join("thrower", {
    log: (_level, message, fields) => lines.push(`${message} ${fields.error}`),
    onAssign: (partitions) => assigned.push(...partitions),
    onRevoke: () => {
      throw new Error("thrown by the test");
    },
  });
  pollUntil(consumer, () => assigned.length === 4);
  const started = performance.now();
  consumer.close(5000);
  expect(performance.now() - started).toBeLessThan(2000);
  expect(lines.some((line) => line.includes("thrown by the test"))).toBe(true);
});

/** A batch with the records in it, and its consumer. */
async function filled(values: readonly string[]) {
  await publishAll(
    kafka.producer(),
    values.map((value) => record("events", value, { key: "k", headers: [["id", "7"]] })),
  );
  const consumer = join("filled");
  const batch = new RecordBatch(10);
  const deadline = performance.now() + 15_000;
  while (batch.count === 0 && performance.now() < deadline) consumer.poll(batch, 100);
  return { consumer, batch };
}

test("a batch refuses to be read out of bounds, to be overwritten, and to be copied where there is no room", async () => {
  const { consumer, batch } = await filled(["0123456789"]);
  for (const i of [1, -1, 0.5, Number.NaN, 2 ** 32]) {
    expect(() => batch.offset(i)).toThrow(RangeError);
    expect(() => batch.copyValue(i, new TransferBuffer(100), 0)).toThrow(RangeError);
    expect(() => batch.findHeader(i, new HeaderName("id"))).toThrow(RangeError);
  }
  expect(() => consumer.poll(batch, 0)).toThrow("release the batch");
  const target = new TransferBuffer(16);
  for (const offset of [-8, -1, 7, 2 ** 53, Number.NaN, 0.5])
    expect(() => batch.copyValue(0, target, offset)).toThrow(RangeError);
  batch.copyValue(0, target, 6);
  expect(Buffer.from(target.bytes).toString()).toBe(`${"\0".repeat(6)}0123456789`);
  structuredClone(target.bytes.buffer, { transfer: [target.bytes.buffer] });
  expect(() => batch.copyValue(0, target, 0)).toThrow(RangeError);
  for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 40]) expect(() => new RecordBatch(capacity)).toThrow(RangeError);
  batch.release();
  consumer.close(5000);
}, 20_000);

test("a batch that was not released does not hold up close, and cannot be read after it", async () => {
  const { consumer, batch } = await filled(["a", "b", "c"]);
  expect(batch.findHeader(0, new HeaderName("id"))).toBe(1);
  const started = performance.now();
  consumer.close(5000);
  expect(performance.now() - started).toBeLessThan(3000);
  expect(batch.count).toBe(0);
  expect(() => batch.valueLength(0)).toThrow(RangeError);
  const target = new TransferBuffer(8);
  batch.copyHeader(target, 0);
  expect(target.bytes).toEqual(new Uint8Array(8));
  batch.release();
  expect(() => consumer.poll(batch, 0)).toThrow();
}, 20_000);

test("a fatal error of the consumer's is told as one", () => {
  const config = consumerConfig({ brokers: kafka.mock.bootstrap, group: "fatal", from: "earliest" });
  const properties = Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
  const client = new ClientHandle("consumer", properties, { onLog: () => {}, onError: () => {}, onOther: () => {} });
  const calls = new ConsumerCalls(client);
  try {
    client.raiseFatalError(CODES.ERR_INVALID_MSG, "raised by the test");
    expect(calls.nextGroupEvent(5000)).toMatchObject({
      type: "error",
      errorCode: CODES.ERR_INVALID_MSG,
      isFatal: true,
    });
  } finally {
    calls.destroy();
    client.destroyHere();
  }
});
