/**
 * Reads stretches of a topic, outside of any group: nothing is joined and nothing is committed. Each poll blocks as long as it says, so
 * on a thread that serves others keep it short.
 */
import { type ConsumerConfig, readerConfig, toProperties } from "./config.ts";
import { codeName, KafkaError } from "./error.ts";
import { requireFeatures } from "./features.ts";
import { type KafkaLog, logError, logLine } from "./log.ts";
import { ClientHandle, CODES, ConsumerCalls, library, type RecordBatch } from "./native/index.ts";
import type { Properties } from "./properties.ts";

export interface TopicReaderOptions {
  readonly brokers: string;
  readonly topic: string;
  /** Where to begin, by partition. */
  readonly starts: ReadonlyMap<number, number>;
  readonly log: KafkaLog;
  readonly properties?: Properties | undefined;
  readonly config?: ConsumerConfig;
}

export class TopicReader {
  readonly #client: ClientHandle;
  readonly #calls: ConsumerCalls;
  readonly #atEnd = new Set<number>();
  readonly #log: KafkaLog;

  /** Throws `ConfigurationError`, `KafkaError`. */
  constructor({ brokers, topic, starts, log, properties, config }: TopicReaderOptions) {
    const settings = toProperties({ ...readerConfig({ brokers, properties }), ...config });
    requireFeatures(settings, library().info);
    this.#log = log;
    this.#client = new ClientHandle("consumer", settings, {
      onLog: (event) => logLine(log, "reader", event),
      onError: (event) => logError(log, "reader", event),
      onOther: () => {},
    });
    this.#calls = new ConsumerCalls(this.#client);
    const error = this.#calls.assign(Array.from(starts, ([partition, offset]) => ({ topic, partition, offset })));
    if (error === "") return;
    void this.close();
    throw new KafkaError(CODES.ERR__FAIL, `the partitions of ${topic} cannot be read: ${error}`);
  }

  /** Takes the records that wait, or waits up to `timeoutMs` for some. The batch must have been released. */
  poll(batch: RecordBatch, timeoutMs: number): void {
    this.#client.drain();
    while (this.#calls.nextGroupEvent(0) !== undefined) {
      // Nobody rebalances here, and errors are logged by the client.
    }
    this.#calls.fill(batch, timeoutMs, (errorCode, partition) => {
      if (errorCode === CODES.ERR__PARTITION_EOF) this.#atEnd.add(partition);
      else this.#log("warn", "reading a partition failed", { error: codeName(errorCode), partition });
    });
  }

  /** Partitions whose end was reached at least once. */
  get atEnd(): ReadonlySet<number> {
    return this.#atEnd;
  }

  /** Batches filled from here are released. */
  close(): Promise<void> {
    this.#calls.destroy();
    return this.#client.destroy();
  }
}
