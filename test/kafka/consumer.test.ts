import { afterEach, beforeEach, expect, test } from "bun:test";
import { Consumer, type ConsumerHooks, consumerConfig, RecordBatch, TransferBuffer } from "../../src/kafka/index.ts";
import { KafkaFixture, publishAll, quiet, readTopic, record } from "../support/mock.ts";

let kafka: KafkaFixture;
beforeEach(() => {
  kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 4);
});
afterEach(() => kafka.close());

function join(group: string, hooks: Partial<ConsumerHooks> = {}): Consumer {
  return new Consumer(consumerConfig({ brokers: kafka.mock.bootstrap, group, from: "earliest" }), "events", {
    log: quiet,
    onAssign: () => {},
    onRevoke: () => {},
    onCommitFailed: () => {},
    ...hooks,
  });
}

/** Polls until the condition holds, releasing what comes; `onBatch` sees it first. */
function pollUntil(consumer: Consumer, isDone: () => boolean, onBatch: (batch: RecordBatch) => void = () => {}): void {
  const batch = new RecordBatch(300);
  const deadline = performance.now() + 20_000;
  while (!isDone()) {
    if (performance.now() > deadline) throw new Error("the condition did not come true");
    consumer.poll(batch, 50);
    onBatch(batch);
    batch.release();
  }
}

test("every record comes once, in order within its partition, across chunked batches", async () => {
  const sent = Array.from({ length: 5000 }, (_, i) => record("events", `${i}`, { key: `k${i % 11}` }));
  await publishAll(kafka.producer(), sent);
  const read = readTopic(kafka.mock.bootstrap, "events", sent.length);
  expect(read.map((r) => Number(Buffer.from(r.value!).toString())).sort((a, b) => a - b)).toEqual(sent.map((_, i) => i));
  const next = new Map<number, number>();
  for (const r of read) {
    expect(r.offset).toBe(next.get(r.partition) ?? 0);
    next.set(r.partition, r.offset + 1);
  }
});

test("a new member starts at the committed offsets", async () => {
  const producer = kafka.producer();
  await publishAll(producer, Array.from({ length: 40 }, (_, i) => record("events", `${i}`)));
  const first = join("resume");
  const next = new Map<number, number>();
  let seen = 0;
  pollUntil(first, () => seen === 40, (batch) => {
    for (let i = 0; i < batch.count; i++) next.set(batch.partition(i), batch.offset(i) + 1);
    seen += batch.count;
  });
  expect(first.commitAndWait(next, 5000)).toBe(true);
  first.close(5000);
  await publishAll(producer, [record("events", "new one")]);
  const read = readTopic(kafka.mock.bootstrap, "events", 1, { group: "resume" });
  expect(read.map((r) => Buffer.from(r.value!).toString())).toEqual(["new one"]);
}, 20_000);

test("what is assigned is revoked before it goes to another member, and a commit made then counts", async () => {
  await publishAll(kafka.producer(), Array.from({ length: 40 }, (_, i) => record("events", `${i}`, { key: `k${i}` })));
  const owned = new Set<number>();
  const next = new Map<number, number>();
  let seen = 0;
  const first: Consumer = join("shared", {
    onAssign: (partitions) => partitions.forEach((p) => owned.add(p)),
    onRevoke: (partitions, isLost) => {
      expect(isLost).toBe(false);
      const mine = new Map([...next].filter(([partition]) => partitions.includes(partition)));
      expect(first.commitAndWait(mine, 5000)).toBe(true);
      for (const partition of partitions) owned.delete(partition);
    },
  });
  pollUntil(first, () => seen === 40, (batch) => {
    for (let i = 0; i < batch.count; i++) next.set(batch.partition(i), batch.offset(i) + 1);
    seen += batch.count;
  });
  expect(owned.size).toBe(4);
  const others = new Set<number>();
  let seenAgain = 0;
  const second = join("shared", { onAssign: (partitions) => partitions.forEach((p) => others.add(p)) });
  const batch = new RecordBatch(100);
  const deadline = performance.now() + 20_000;
  while (others.size === 0 && performance.now() < deadline) {
    first.poll(batch, 20);
    batch.release();
    second.poll(batch, 20);
    seenAgain += batch.count;
    batch.release();
  }
  expect(others.size).toBeGreaterThan(0);
  for (const partition of others) expect(owned.has(partition)).toBe(false);
  second.close(5000);
  first.close(5000);
  expect(seenAgain).toBe(0);
}, 40_000);

test("pause holds a partition back, resume lets it go on", async () => {
  const assigned: number[] = [];
  const consumer = join("paused", { onAssign: (partitions) => assigned.push(...partitions) });
  pollUntil(consumer, () => assigned.length === 4);
  consumer.pause([0, 1, 2, 3]);
  await publishAll(kafka.producer(), [record("events", "held")]);
  const batch = new RecordBatch(10);
  for (let i = 0; i < 10; i++) consumer.poll(batch, 20);
  expect(batch.count).toBe(0);
  consumer.resume([0, 1, 2, 3]);
  let seen = 0;
  pollUntil(consumer, () => seen === 1, (b) => {
    seen += b.count;
  });
  consumer.close(5000);
}, 20_000);

test("closing without a broker ends in time", () => {
  const consumer = join("gone");
  const batch = new RecordBatch(10);
  consumer.poll(batch, 200);
  kafka.mock.setDown();
  const started = performance.now();
  consumer.close(1500);
  expect(performance.now() - started).toBeLessThan(5000);
}, 20_000);

test("a batch refuses to be read past its end, to be overwritten, or to be copied out of bounds", async () => {
  await publishAll(kafka.producer(), [record("events", "0123456789")]);
  const consumer = join("bounds");
  const batch = new RecordBatch(10);
  const deadline = performance.now() + 15_000;
  while (batch.count === 0 && performance.now() < deadline) consumer.poll(batch, 100);
  expect(() => batch.offset(1)).toThrow(RangeError);
  expect(() => consumer.poll(batch, 0)).toThrow("release the batch");
  expect(() => batch.copyValue(0, new TransferBuffer(8), 0)).toThrow(RangeError);
  batch.release();
  consumer.close(5000);
}, 20_000);
