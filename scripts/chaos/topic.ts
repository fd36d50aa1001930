/** What a topic holds, read back for the oracle; and how far a group has come with it. */
import { Admin, GroupOffsets, RecordBatch, TopicReader } from "../../src/kafka/index.ts";
import type { FoundRecord } from "./oracle.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const SILENCE_MS = 30_000;
const quiet = () => {};

/** By partition, the offset after the last record. */
export async function endsOf(brokers: string, topic: string): Promise<Map<number, number>> {
  const admin = new Admin({ brokers, log: quiet });
  try {
    const description = await admin.describeTopic(topic, REQUEST_TIMEOUT_MS);
    if (description === null) throw new Error(`there is no topic ${topic}`);
    const partitions = description.partitions.map(({ partition }) => partition);
    const watermarks = await admin.watermarks(topic, partitions, REQUEST_TIMEOUT_MS);
    return new Map(watermarks.map(({ partition, high }) => [partition, high]));
  } finally {
    await admin.close();
  }
}

/** Resolves when the group has committed all of it: then every line is written. */
export async function whenCommitted(
  { brokers, topic, group }: { brokers: string; topic: string; group: string },
  ends: ReadonlyMap<number, number>,
  timeoutMs: number,
): Promise<void> {
  const offsets = new GroupOffsets({ brokers, group, log: quiet });
  const deadline = performance.now() + timeoutMs;
  const wanted = [...ends].filter(([, end]) => end > 0);
  try {
    for (;;) {
      const committed = await offsets
        .read(topic, [...ends.keys()], REQUEST_TIMEOUT_MS)
        .catch(() => new Map<number, number>());
      const behind = wanted.filter(([partition, end]) => (committed.get(partition) ?? 0) < end);
      if (behind.length === 0) return;
      if (performance.now() > deadline) {
        const places = behind.map(([partition, end]) => `${partition}: ${committed.get(partition)} of ${end}`);
        throw new Error(`the group did not come to the topic's end in ${timeoutMs} ms (${places.join(", ")})`);
      }
      await Bun.sleep(100);
    }
  } finally {
    await offsets.close();
  }
}

/** Every record below these ends. */
export async function readTopic(
  brokers: string,
  topic: string,
  ends: ReadonlyMap<number, number>,
): Promise<FoundRecord[]> {
  const open = new Map([...ends].filter(([, end]) => end > 0));
  const starts = new Map(Array.from(open.keys(), (partition) => [partition, 0]));
  const records: FoundRecord[] = [];
  if (open.size === 0) return records;
  const reader = new TopicReader({ brokers, topic, starts, log: quiet });
  const batch = new RecordBatch(2000);
  let heardAt = performance.now();
  try {
    while (open.size > 0) {
      reader.poll(batch, 100);
      if (batch.count > 0) heardAt = performance.now();
      for (let i = 0; i < batch.count; i++) {
        const record = recordOf(batch, i);
        const end = open.get(record.partition);
        if (end === undefined || record.offset >= end) continue;
        records.push(record);
        if (record.offset === end - 1) open.delete(record.partition);
      }
      batch.release();
      if (performance.now() - heardAt > SILENCE_MS)
        throw new Error(`Kafka sent nothing of ${topic} for ${SILENCE_MS} ms`);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } finally {
    batch.release();
    await reader.close();
  }
  return records;
}

function recordOf(batch: RecordBatch, i: number): FoundRecord {
  const headers = batch.readHeaders(i);
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
  const header = (name: string) => headers.find(([found]) => found === name)?.[1] ?? null;
  return {
    partition: batch.partition(i),
    offset: batch.offset(i),
    id: text(header("id")) ?? "",
    key: text(batch.readKey(i)),
    value: text(batch.readValue(i)) ?? "",
    isMarked: header("possible_duplicate") !== null,
  };
}
