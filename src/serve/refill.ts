/**
 * Fills the dedupe window from the topics' tails, so that a server that starts anew knows what the one before it has published. Of each
 * partition as many of the last records are read as the window holds events, and of all of them the newest are kept.
 */
import type { DedupeWindow, FoundRecord } from "../ingest/index.ts";
import { digestOf, ID_HEADER, RECEIVED_HEADER, SOURCE_HEADER } from "../ingest/index.ts";
import {
  type Admin,
  HeaderName,
  RecordBatch,
  TopicReader,
  type TopicReaderOptions,
  TransferBuffer,
} from "../kafka/index.ts";
import type { Log } from "../log.ts";

export interface RefillOptions {
  readonly window: DedupeWindow;
  readonly topics: readonly string[];
  readonly admin: Pick<Admin, "describeTopic" | "watermarks">;
  readonly reader: Omit<TopicReaderOptions, "topic" | "starts">;
  readonly log: Log;
  readonly stop: { readonly requested: boolean; readonly whenRequested: Promise<unknown> };
}

interface Aged extends FoundRecord {
  readonly receivedAtMs: number;
}

const REQUEST_TIMEOUT_MS = 5000;
const RETRY_MS = 500;
const BATCH_RECORDS = 1000;
/** How long the thread, which serves others, is left alone where nothing has come. */
const PAUSE_MS = 5;
/** Reading goes on for so long behind the end: what a killed server had sent may not be replicated everywhere yet. */
const SETTLE_MS = 500;

/** Tries until it is done or `stop` is requested; the window says `isFilled` then. Never rejects. */
export async function refill(options: RefillOptions): Promise<void> {
  const { window, topics, log, stop } = options;
  window.isFilled = false;
  let said: string | undefined;
  while (!stop.requested) {
    try {
      const startedAt = performance.now();
      const found = new Newest(window.maxEvents);
      for (const topic of topics) await readTail(options, topic, found);
      for (const record of found.take()) window.remember(record);
      if (stop.requested) return;
      window.isFilled = true;
      const ms = Math.round(performance.now() - startedAt);
      log.info({ events: window.events, records_read: found.seen, ms }, "the dedupe window is filled from the topic");
      return;
    } catch (cause) {
      const error = (cause as Error).message;
      if (error !== said) log.warn({ error }, "the dedupe window cannot be filled yet; until then no events are taken");
      said = error;
      await Promise.race([Bun.sleep(RETRY_MS), stop.whenRequested]);
    }
  }
}

async function readTail(
  { window, admin, stop, reader: common }: RefillOptions,
  topic: string,
  found: Newest,
): Promise<void> {
  const description = await admin.describeTopic(topic, REQUEST_TIMEOUT_MS);
  if (description === null) throw new Error(`the topic ${topic} does not exist yet`);
  const partitions = description.partitions.map(({ partition }) => partition);
  const watermarks = await admin.watermarks(topic, partitions, REQUEST_TIMEOUT_MS);
  const starts = new Map(
    watermarks.map(({ partition, low, high }) => [partition, Math.max(low, high - window.maxEvents)]),
  );
  const reader = new TopicReader({ ...common, topic, starts });
  const batch = new RecordBatch(BATCH_RECORDS);
  const records = new RecordReader(topic, batch);
  try {
    let deadline = Number.POSITIVE_INFINITY;
    while (performance.now() < deadline && !stop.requested) {
      reader.poll(batch, 0);
      const isIdle = batch.count === 0;
      for (let i = 0; i < batch.count; i++) found.add(records.read(i));
      batch.release();
      if (deadline === Number.POSITIVE_INFINITY && reader.atEnd.size === partitions.length)
        deadline = performance.now() + SETTLE_MS;
      await Bun.sleep(isIdle ? PAUSE_MS : 0);
    }
  } finally {
    batch.release();
    await reader.close();
  }
}

/** Keeps the newest `max` records in no more memory than twice as many take. */
class Newest {
  readonly #max: number;
  #records: Aged[] = [];
  seen = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(record: Aged | undefined): void {
    this.seen++;
    if (record === undefined) return;
    this.#records.push(record);
    if (this.#records.length >= 2 * this.#max) this.#records = this.take();
  }

  /** Oldest first. */
  take(): Aged[] {
    return this.#records.sort((a, b) => a.receivedAtMs - b.receivedAtMs).slice(-this.#max);
  }
}

class RecordReader {
  readonly #topic: string;
  readonly #batch: RecordBatch;
  readonly #id = new HeaderName(ID_HEADER);
  readonly #source = new HeaderName(SOURCE_HEADER);
  readonly #receivedAt = new HeaderName(RECEIVED_HEADER);
  #buffer = new TransferBuffer(65_536);

  constructor(topic: string, batch: RecordBatch) {
    this.#topic = topic;
    this.#batch = batch;
  }

  /** Undefined for a record that is not Sluice's. */
  read(i: number): Aged | undefined {
    const id = this.#header(i, this.#id);
    if (id === undefined) return undefined;
    const batch = this.#batch;
    return {
      topic: this.#topic,
      id,
      source: this.#header(i, this.#source) ?? "",
      digest: digestOf(this.#value(i)),
      partition: batch.partition(i),
      offset: batch.offset(i),
      receivedAtMs: Number(this.#header(i, this.#receivedAt)) || Number(batch.timestampMs(i)),
    };
  }

  #header(i: number, name: HeaderName): string | undefined {
    const length = this.#batch.findHeader(i, name);
    if (length < 0) return undefined;
    this.#reserve(length);
    this.#batch.copyHeader(this.#buffer, 0);
    return Buffer.from(this.#buffer.bytes.buffer, 0, length).toString("utf8");
  }

  #value(i: number): Uint8Array | null {
    const length = this.#batch.valueLength(i);
    if (length < 0) return null;
    this.#reserve(length);
    this.#batch.copyValue(i, this.#buffer, 0);
    return this.#buffer.bytes.subarray(0, length);
  }

  #reserve(size: number): void {
    if (this.#buffer.size < size) this.#buffer = new TransferBuffer(2 * size);
  }
}
