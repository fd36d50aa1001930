/** Reads a topic as consume does, and makes the same lines of it: what the log should hold. */
import { type LineHead, LineMaker, readLineHead } from "../consume/index.ts";
import { Admin, type KafkaLog, type Properties, RecordBatch, TopicReader } from "../kafka/index.ts";
import type { Stretch } from "./intervals.ts";

export interface TopicClient {
  readonly brokers: string;
  readonly properties: Properties;
  readonly log: KafkaLog;
}

export interface TopicState {
  readonly clusterId: string;
  readonly topicId: string | null;
  /** By partition: the oldest offset there is, and the one that the next record will get. */
  readonly watermarks: ReadonlyMap<number, { readonly low: number; readonly high: number }>;
}

const REQUEST_TIMEOUT_MS = 10_000;
const BATCH_RECORDS = 5000;
const POLL_MS = 100;
/** Without a record for so long a reading is given up. */
const SILENCE_MS = 30_000;

/** Null where there is no such topic. Rejects where Kafka does not answer. */
export async function describe(client: TopicClient, topic: string): Promise<TopicState | null> {
  const admin = new Admin(client);
  try {
    const description = await admin.describeTopic(topic, REQUEST_TIMEOUT_MS);
    if (description === null) return null;
    const { clusterId } = await admin.describeCluster(REQUEST_TIMEOUT_MS);
    const partitions = description.partitions.map(({ partition }) => partition);
    const watermarks = await admin.watermarks(topic, partitions, REQUEST_TIMEOUT_MS);
    return {
      clusterId,
      topicId: description.topicId,
      watermarks: new Map(watermarks.map(({ partition, low, high }) => [partition, { low, high }])),
    };
  } finally {
    await admin.close();
  }
}

export type OnTopicLine = (head: LineHead, line: Uint8Array) => void;

/** Every record of these stretches, by partition, as its line without the end. Throws where Kafka falls silent. */
export async function readLines(
  client: TopicClient,
  topic: string,
  stretches: ReadonlyMap<number, Stretch>,
  onLine: OnTopicLine,
): Promise<void> {
  const wanted = new Map([...stretches].filter(([, { first, last }]) => first <= last));
  if (wanted.size === 0) return;
  const starts = new Map(Array.from(wanted, ([partition, { first }]) => [partition, first]));
  const open = new Set(wanted.keys());
  const head: LineHead = { partition: 0, offset: 0 };
  const maker = new LineMaker(topic, 1024 * 1024, ({ bytes, runs }) => {
    for (const run of runs) {
      for (let at = run.start; at < run.end; ) {
        const end = bytes.indexOf(0x0a, at);
        readLineHead(bytes, at, end, head);
        const stretch = wanted.get(head.partition);
        if (stretch && head.offset >= stretch.first && head.offset <= stretch.last)
          onLine(head, bytes.subarray(at, end));
        at = end + 1;
      }
      if (run.lastOffset >= (wanted.get(run.partition)?.last ?? 0)) open.delete(run.partition);
    }
  });
  const reader = new TopicReader({ ...client, topic, starts });
  const batch = new RecordBatch(BATCH_RECORDS);
  try {
    let heardAt = performance.now();
    while (open.size > 0) {
      reader.poll(batch, POLL_MS);
      if (batch.count > 0) heardAt = performance.now();
      maker.add(batch);
      batch.release();
      // What is at its end has nothing more of what was wanted: the last offsets may be markers, which are no records.
      for (const partition of reader.atEnd) open.delete(partition);
      if (performance.now() - heardAt > SILENCE_MS) throw new Error(`Kafka sent nothing for ${SILENCE_MS / 1000} s`);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } finally {
    batch.release();
    await reader.close();
  }
}
