/**
 * The producer that `serve` publishes with. It outlives its clients: after a fatal error (librdkafka sends nothing any more)
 * the client is retired, its records get their outcomes by status, and a new one takes over. So does one with smaller batches where
 * a topic takes none as large as the client makes them: `batch.size` is a client's for life.
 */
import type { ProducerConfig } from "./config.ts";
import type { KafkaLog } from "./log.ts";
import type { KafkaRecord } from "./native/index.ts";
import { ProducerClient, type Settle } from "./producer-client.ts";
import { withinMs } from "./within-ms.ts";

export interface ProducerOptions {
  readonly config: ProducerConfig;
  readonly log: KafkaLog;
  /** Called for acknowledgements that come together: Kafka is there. */
  readonly onContact?: () => void;
  /** Kafka refused a batch of the topic's for its size; how much it takes is to be found out, for `limitBatches`. */
  readonly onBatchTooLarge?: (topic: string) => void;
}

interface Held {
  readonly batch: readonly KafkaRecord[];
  readonly settle: Settle<KafkaRecord>;
}

/** At most one replacement a second: a cluster that refuses every new client must not make us spin. */
const REPLACEMENT_INTERVAL_MS = 1000;
const RETIREMENT_MS = 10_000;
/** How long records are held for a client with smaller batches to take over. While Kafka answers, the old one is done much sooner. */
const SUCCESSION_MS = 1000;
/** How often it is said that batches are too large. */
const NOTICE_INTERVAL_MS = 60_000;

export class Producer {
  readonly #options: ProducerOptions;
  #current: ProducerClient;
  /** Clients whose last outcomes are awaited. */
  readonly #retired = new Set<ProducerClient>();
  #lastReplacementAt = Number.NEGATIVE_INFINITY;
  #replacement: Timer | undefined;
  #isClosed = false;
  #maxBatchBytes = Number.POSITIVE_INFINITY;
  /** Of the current client. */
  #batchBytes = 0;
  /** Published while one client is done and the next not there yet: in their order, after what the one had. */
  #held: Held[] | undefined;
  #noticedAt = Number.NEGATIVE_INFINITY;
  /** How many clients were retired after a fatal error. */
  retirements = 0;

  /** Throws `ConfigurationError`. */
  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#current = this.#make();
  }

  #make(): ProducerClient {
    const { config } = this.#options;
    const batchBytes = Math.min(batchBytesOf(config), this.#maxBatchBytes);
    const client: ProducerClient = new ProducerClient(
      { ...config, "batch.size": batchBytes },
      {
        log: this.#options.log,
        onContact: this.#options.onContact ?? (() => {}),
        // Not from inside the client's own event handling: it is to be destroyed.
        onFatal: (message) => queueMicrotask(() => this.#retire(client, message)),
        onBatchTooLarge: (topic, batch) => this.#onBatchTooLarge(topic, batch),
      },
    );
    this.#batchBytes = batchBytes;
    return client;
  }

  /** Records without an outcome. */
  get pending(): number {
    let pending = this.#current.pending;
    for (const client of this.#retired) pending += client.pending;
    for (const { batch } of this.#held ?? []) pending += batch.length;
    return pending;
  }

  /** `settle` is called exactly once for each record, from the event loop or (not taken) before this returns. Never throws for a delivery. */
  publish<R extends KafkaRecord>(batch: readonly R[], settle: Settle<R>): void {
    if (this.#held) this.#held.push({ batch: [...batch], settle: settle as unknown as Settle<KafkaRecord> });
    else this.#current.publish(batch, settle);
  }

  /** No batch is to be larger than this from now on, as Kafka would refuse it. Records keep their order across the change. */
  limitBatches(maxBytes: number): void {
    this.#maxBatchBytes = Math.min(this.#maxBatchBytes, maxBytes);
    if (this.#maxBatchBytes < this.#batchBytes && !this.#held && !this.#isClosed) void this.#succeed();
  }

  async #succeed(): Promise<void> {
    const { log } = this.#options;
    const old = this.#current;
    this.#held = [];
    if (old.pending > 0) await withinMs(old.whenIdle, SUCCESSION_MS);
    try {
      const isAsBefore = old === this.#current && !this.#replacement && !this.#isClosed;
      if (isAsBefore && old.pending === 0) {
        this.#current = this.#make();
        log("info", "batches are no larger from now on than Kafka takes them", { batch_bytes: this.#batchBytes });
        this.#close(old);
      }
    } catch (cause) {
      log("error", "there is no producer with smaller batches; the one with larger ones goes on", {
        error: String(cause),
      });
    }
    this.#release();
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { batch, settle } of held) this.#current.publish(batch, settle);
  }

  #onBatchTooLarge(topic: string, batch: object): void {
    this.#options.onBatchTooLarge?.(topic);
    const now = performance.now();
    if (now - this.#noticedAt < NOTICE_INTERVAL_MS) return;
    this.#noticedAt = now;
    const text = "Kafka refused a batch for its size; its records go again in smaller ones, which is slow";
    this.#options.log("warn", `${text}: lower --kafka-config batch.size`, { topic, ...batch });
  }

  #retire(client: ProducerClient, message: string): void {
    if (client !== this.#current || this.#isClosed || this.#replacement) return;
    const wait = this.#lastReplacementAt + REPLACEMENT_INTERVAL_MS - performance.now();
    if (wait > 0) this.#replacement = setTimeout(() => this.#replace(client, message), wait);
    else this.#replace(client, message);
  }

  #replace(client: ProducerClient, message: string): void {
    const { log } = this.#options;
    this.#replacement = undefined;
    this.#lastReplacementAt = performance.now();
    try {
      this.#current = this.#make();
    } catch (cause) {
      // Out of file descriptors, say. The old client goes on refusing until there is another.
      log("error", "the producer failed for good and could not be replaced; it will be tried again", {
        error: String(cause),
      });
      this.#retire(client, message);
      return;
    }
    this.retirements++;
    log("warn", "the producer failed for good and was replaced", { error: message, pending: client.pending });
    client.giveUpQueued();
    this.#close(client);
  }

  #close(client: ProducerClient): void {
    this.#retired.add(client);
    client
      .close(RETIREMENT_MS)
      .catch((cause) => this.#options.log("error", "a retired producer could not be closed", { error: String(cause) }))
      .finally(() => this.#retired.delete(client));
  }

  /** Waits up to `timeoutMs` for outcomes, gives the rest up by status, and destroys every client. */
  async close(timeoutMs: number): Promise<void> {
    this.#release();
    this.#isClosed = true;
    clearTimeout(this.#replacement);
    await Promise.all([this.#current, ...this.#retired].map((client) => client.close(timeoutMs)));
  }

  /** For tests: what librdkafka does when the cluster says something from which there is no way back. */
  raiseFatalError(code: number, reason: string): void {
    this.#current.raiseFatalError(code, reason);
  }
}

/** librdkafka's own. */
const DEFAULT_BATCH_BYTES = 1_000_000;

function batchBytesOf(config: ProducerConfig): number {
  return Number(config["batch.size"] ?? DEFAULT_BATCH_BYTES);
}
