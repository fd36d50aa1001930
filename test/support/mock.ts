/** What the tests of `src/kafka` share: a mock cluster with its clients, closed together; publishing, reading, group members. */
import {
  Admin,
  Consumer,
  type ConsumerConfig,
  type ConsumerHooks,
  consumerConfig,
  HeaderName,
  type KafkaLog,
  type KafkaRecord,
  MockCluster,
  Producer,
  type ProducerConfig,
  type ProducerSettings,
  producerConfig,
  RecordBatch,
  TransferBuffer,
} from "../../src/kafka/index.ts";
import type { Outcome } from "../../src/outcome.ts";

export const quiet: KafkaLog = () => {};

export function settings(brokers: string, over: Partial<ProducerSettings> = {}): ProducerSettings {
  return {
    brokers,
    deliveryTimeoutMs: 10_000,
    maxRecordBytes: 1_000_000,
    maxQueuedRecords: 200_000,
    maxQueuedBytes: 512 * 1024 * 1024,
    ...over,
  };
}

export class KafkaFixture {
  readonly mock: MockCluster;
  readonly #closers: (() => unknown)[] = [];

  constructor(brokers = 1) {
    this.mock = new MockCluster(brokers);
  }

  producer(over: Partial<ProducerSettings> = {}, config: ProducerConfig = {}): Producer {
    const producer = new Producer({
      config: { ...producerConfig(settings(this.mock.bootstrap, over)), ...config },
      log: quiet,
    });
    this.#closers.push(() => producer.close(1000));
    return producer;
  }

  admin(group?: string): Admin {
    const admin = new Admin({ brokers: this.mock.bootstrap, ...(group && { group }), log: quiet });
    this.#closers.push(() => admin.close());
    return admin;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    await this.mock.close();
  }
}

/** The outcome of each record, in the order of the records. */
export function publishAll<R extends KafkaRecord>(
  producer: Pick<Producer, "publish">,
  records: readonly R[],
): Promise<Outcome[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
  const outcomes = new Map<R, Outcome>();
  producer.publish(records, (record, outcome) => {
    if (outcomes.has(record)) reject(new Error("a record was settled twice"));
    outcomes.set(record, outcome);
    if (outcomes.size === records.length) resolve(records.map((r) => outcomes.get(r)!));
  });
  return promise;
}

export function record(topic: string, value: string | Uint8Array | null, over: Partial<KafkaRecord> = {}): KafkaRecord {
  return { topic, key: null, value: typeof value === "string" ? Buffer.from(value) : value, headers: [], ...over };
}

/** A member of a group that starts at the beginning. */
export function joinGroup(
  brokers: string,
  topic: string,
  group: string,
  hooks: Partial<ConsumerHooks> = {},
  config: ConsumerConfig = {},
): Consumer {
  return new Consumer({ ...consumerConfig({ brokers, group, from: "earliest" }), ...config }, topic, {
    log: quiet,
    onAssign: () => {},
    onRevoke: () => {},
    onCommitFailed: () => {},
    ...hooks,
  });
}

/** Polls the members in turn until the condition holds, releasing what comes; `onBatch` sees it first. */
export function pollUntil(
  members: Consumer | readonly Consumer[],
  isDone: () => boolean,
  onBatch: (batch: RecordBatch, member: Consumer) => void = () => {},
  timeoutMs = 20_000,
): void {
  const batch = new RecordBatch(300);
  const deadline = performance.now() + timeoutMs;
  const all = members instanceof Consumer ? [members] : members;
  while (!isDone()) {
    if (performance.now() > deadline) throw new Error(`the condition did not come true in ${timeoutMs} ms`);
    for (const member of all) {
      member.poll(batch, 20);
      onBatch(batch, member);
      batch.release();
    }
  }
}

/** What a member has read: how many records, and the offset after the last of each partition. */
export class Progress {
  count = 0;
  readonly next = new Map<number, number>();

  readonly take = (batch: RecordBatch): void => {
    for (let i = 0; i < batch.count; i++) this.next.set(batch.partition(i), batch.offset(i) + 1);
    this.count += batch.count;
  };

  /** The offsets to commit of some partitions. */
  of(partitions: readonly number[]): Map<number, number> {
    return new Map([...this.next].filter(([partition]) => partitions.includes(partition)));
  }
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads a topic from its beginning until `count` records have come (or the deadline). */
export function readTopic(
  brokers: string,
  topic: string,
  count: number,
  {
    headers = [] as string[],
    group = `test-${crypto.randomUUID()}`,
    timeoutMs = 30_000,
    hooks = {} as Partial<ConsumerHooks>,
    maxBytes = 4 * 1024 * 1024,
  } = {},
): ReadRecord[] {
  const consumer = joinGroup(brokers, topic, group, hooks);
  const batch = new RecordBatch(500);
  const buffer = new TransferBuffer(maxBytes);
  const names = headers.map((name) => [name, new HeaderName(name)] as const);
  const read: ReadRecord[] = [];
  const deadline = performance.now() + timeoutMs;
  try {
    while (read.length < count && performance.now() < deadline) {
      consumer.poll(batch, 100);
      for (let i = 0; i < batch.count; i++) read.push(readOne(batch, i, buffer, names));
      batch.release();
    }
  } finally {
    batch.release();
    consumer.close(5000);
  }
  return read;
}

function readOne(
  batch: RecordBatch,
  i: number,
  buffer: TransferBuffer,
  names: readonly (readonly [string, HeaderName])[],
): ReadRecord {
  const bytes = (length: number) => buffer.bytes.slice(0, length);
  const headers: Record<string, string> = {};
  for (const [name, handle] of names) {
    const length = batch.findHeader(i, handle);
    if (length < 0) continue;
    batch.copyHeader(buffer, 0);
    headers[name] = Buffer.from(bytes(length)).toString("utf8");
  }
  let key: string | null = null;
  if (batch.keyLength(i) >= 0) {
    batch.copyKey(i, buffer, 0);
    key = Buffer.from(bytes(batch.keyLength(i))).toString("utf8");
  }
  let value: Uint8Array | null = null;
  if (batch.valueLength(i) >= 0) {
    batch.copyValue(i, buffer, 0);
    value = bytes(batch.valueLength(i));
  }
  return {
    partition: batch.partition(i),
    offset: batch.offset(i),
    timestampMs: Number(batch.timestampMs(i)),
    key,
    value,
    headers,
  };
}
