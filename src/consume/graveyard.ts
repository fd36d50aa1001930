/**
 * Where records go that a handler cannot do with: a topic of their own, as they were, with what went wrong as headers. A record is
 * there when `bury` resolves. The Kafka clients for it are made with the first.
 */
import {
  Admin,
  ensureTopic,
  type Header,
  type KafkaLog,
  Producer,
  type Properties,
  producerConfig,
} from "../kafka/index.ts";
import type { HandlerRecord } from "./handler.ts";

export interface GraveyardOptions {
  readonly brokers: string;
  readonly properties?: Properties | undefined;
  readonly topic: string;
  readonly log: KafkaLog;
}

const PARTITIONS = 4;
const TOPIC_TIMEOUT_MS = 10_000;
const DELIVERY_TIMEOUT_MS = 10_000;
const MESSAGE_MAX = 500;
/** A record that Kafka took once is not refused here for its size. */
const RECORD_BYTES_MAX = 100_000_000;

export class Graveyard {
  readonly #options: GraveyardOptions;
  #producer: Promise<Producer> | undefined;

  constructor(options: GraveyardOptions) {
    this.#options = options;
  }

  /** Rejects where Kafka did not acknowledge it: it may be there all the same. */
  async bury(record: HandlerRecord, error: Error, attempts: number): Promise<void> {
    this.#producer ??= this.#open();
    const opening = this.#producer;
    const producer = await opening.catch((cause) => {
      if (this.#producer === opening) this.#producer = undefined;
      throw cause;
    });
    const letter = {
      topic: this.#options.topic,
      key: record.key,
      value: record.value,
      headers: [...headersOf(record), ...reasonHeaders(record, error, attempts)],
    };
    const { promise, resolve } = Promise.withResolvers<{ readonly status: string; readonly detail?: string }>();
    producer.publish([letter], (_, outcome) => resolve(outcome));
    const outcome = await promise;
    if (outcome.status !== "acked") throw new Error(outcome.detail ?? outcome.status);
  }

  async #open(): Promise<Producer> {
    const { brokers, properties, topic, log } = this.#options;
    const admin = new Admin({ brokers, properties, log });
    try {
      await ensureTopic(admin, { topic, partitions: PARTITIONS, replication: undefined }, TOPIC_TIMEOUT_MS);
    } finally {
      await admin.close();
    }
    const config = producerConfig({
      brokers,
      properties,
      deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
      maxRecordBytes: RECORD_BYTES_MAX,
      maxQueuedRecords: 1000,
      maxQueuedBytes: 2 * RECORD_BYTES_MAX,
    });
    return new Producer({ config, log });
  }

  async close(): Promise<void> {
    await (await this.#producer?.catch(() => undefined))?.close(0);
  }
}

function headersOf({ headers }: HandlerRecord): Header[] {
  return headers.map(([name, value]) => [name, value ?? new Uint8Array(0)]);
}

/** In the same words as serve's dead letters. */
function reasonHeaders({ topic, partition, offset }: HandlerRecord, error: Error, attempts: number): Header[] {
  return [
    ["error_code", "handler_failed"],
    ["error_detail", `${error.name}: ${error.message}`.slice(0, MESSAGE_MAX).toWellFormed()],
    ["error_attempts", String(attempts)],
    ["source_topic", topic],
    ["source_partition", String(partition)],
    ["source_offset", String(offset)],
  ];
}
