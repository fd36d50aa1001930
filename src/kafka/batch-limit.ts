/** How large the topics let a batch be. librdkafka does not ask, and Kafka refuses what is larger. */
import type { Admin } from "./admin.ts";
import type { KafkaLog } from "./log.ts";
import type { Producer } from "./producer.ts";

export interface BatchLimitOptions {
  readonly admin: Pick<Admin, "topicConfig">;
  readonly producer: () => Pick<Producer, "limitBatches">;
  readonly log: KafkaLog;
}

/** A start waits for it. */
const TIMEOUT_MS = 1000;

export class BatchLimit {
  readonly #options: BatchLimitOptions;
  readonly #asked = new Map<string, Promise<void>>();
  #isStopped = false;
  #saidProblem = "";

  constructor(options: BatchLimitOptions) {
    this.#options = options;
  }

  /** Finds the topic's limit out and tells the producer. Never rejects: without it, what Kafka refuses is split (splitter.ts). */
  learn(topic: string): Promise<void> {
    const asked = this.#asked.get(topic) ?? this.#ask(topic).finally(() => this.#asked.delete(topic));
    this.#asked.set(topic, asked);
    return asked;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #ask(topic: string): Promise<void> {
    const { admin, producer, log } = this.#options;
    try {
      const config = await admin.topicConfig(topic, TIMEOUT_MS);
      const maxBytes = Number(config.get("max.message.bytes"));
      if (maxBytes > 0 && !this.#isStopped) producer().limitBatches(maxBytes);
    } catch (cause) {
      const problem = String(cause);
      // The right to ask may be missing, and then is so each time.
      if (!this.#isStopped && problem !== this.#saidProblem)
        log("info", "how large a batch the topic takes is not known", { topic, error: problem });
      this.#saidProblem = problem;
    }
  }
}
