/**
 * Where records go that a handler cannot do with: a topic of their own, as they were, with what went wrong as headers. A record is
 * there when `bury` resolves. The Kafka clients for it are made with the first. One that the topic does not take as it was (with its new
 * headers it is too large, say) is represented by its headers alone, which say where it lies.
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
const CLOSE_MS = 2000;
const MESSAGE_MAX = 500;
/** A record that Kafka took once is not refused here for its size. */
const RECORD_BYTES_MAX = 100_000_000;
/** Trying again would not help. */
const NEVER: ReadonlySet<string> = new Set(["event_too_large", "rejected_by_kafka"]);

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
    const { topic, log } = this.#options;
    const { key, value } = record;
    const reason = reasonHeaders(record, error, attempts);
    let outcome = await publishOne(producer, { topic, key, value, headers: [...headersOf(record), ...reason] });
    if (outcome.status === "refused" && NEVER.has(outcome.code)) {
      log("error", "the dead-letter topic does not take a record as it was; its headers stand for it", {
        error: outcome.detail,
        partition: record.partition,
        offset: record.offset,
      });
      const headers: Header[] = [...reason, ["error_omitted", outcome.detail]];
      outcome = await publishOne(producer, { topic, key: null, value: null, headers });
    }
    if (outcome.status !== "acked") throw new Error("detail" in outcome ? outcome.detail : outcome.status);
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

  /** Does not wait for a Kafka that does not answer: the client that is being made then is closed when it is there. */
  async close(): Promise<void> {
    const closing = this.#producer?.then((producer) => producer.close(0)).catch(() => {});
    await Promise.race([closing, Bun.sleep(CLOSE_MS)]);
  }
}

type Letter = Parameters<Producer["publish"]>[0][number];
type Settled = Parameters<Parameters<Producer["publish"]>[1]>[1];

function publishOne(producer: Producer, letter: Letter): Promise<Settled> {
  const { promise, resolve } = Promise.withResolvers<Settled>();
  producer.publish([letter], (_, outcome) => resolve(outcome));
  return promise;
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
