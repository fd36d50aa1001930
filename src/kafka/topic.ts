/** Makes a missing topic, once Kafka answers. */
import type { Admin } from "./admin.ts";
import type { KafkaLog } from "./log.ts";
import type { TopicDescription } from "./native/index.ts";

export interface TopicSettings {
  readonly topic: string;
  readonly partitions: number;
  /** Undefined: min(3, brokers). */
  readonly replication: number | undefined;
}

const LEADER_POLL_MS = 50;

/**
 * Returns the topic as it stands afterwards: with a leader for each partition, or, where the brokers take longer than `timeoutMs`
 * to tell each other, as far as they are. Rejects with `KafkaError` where the cluster refuses.
 */
export async function ensureTopic(
  admin: Admin,
  settings: TopicSettings,
  timeoutMs: number,
): Promise<{ created: boolean; topic: TopicDescription | null }> {
  const there = await admin.describeTopic(settings.topic, timeoutMs);
  if (there) return { created: false, topic: there };
  const { brokers } = await admin.describeCluster(timeoutMs);
  const replication = settings.replication ?? Math.min(3, Math.max(1, brokers.length));
  const created = await admin.createTopic(
    {
      topic: settings.topic,
      partitions: settings.partitions,
      replication,
      config: { "min.insync.replicas": String(Math.min(2, replication)) },
    },
    timeoutMs,
  );
  return { created, topic: await whenReady(admin, settings.topic, timeoutMs) };
}

/** A broker may answer with less than what the controller has just done. */
async function whenReady(admin: Admin, topic: string, timeoutMs: number): Promise<TopicDescription | null> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await admin.describeTopic(topic, timeoutMs);
    if (found?.partitions.every((partition) => partition.leader !== null)) return found;
    if (performance.now() + LEADER_POLL_MS > deadline) return found;
    await new Promise<void>((resolve) => setTimeout(resolve, LEADER_POLL_MS));
  }
}

/** The topic of a long-running command: made or found as soon as Kafka answers, then `isReady`. */
export class TopicKeeper {
  readonly #admin: Admin;
  readonly #settings: TopicSettings;
  readonly #log: KafkaLog;
  readonly #onFound: (topic: string) => Promise<void>;
  #isReady = false;
  #isStopped = false;
  #timer: Timer | undefined;
  #lastProblem = "";

  /** `onFound` is awaited before the topic is ready; it does not reject. */
  constructor(admin: Admin, settings: TopicSettings, log: KafkaLog, onFound = async (_topic: string) => {}) {
    this.#admin = admin;
    this.#onFound = onFound;
    this.#settings = settings;
    this.#log = log;
    this.#try();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #try(): Promise<void> {
    try {
      const { created, topic } = await ensureTopic(this.#admin, this.#settings, ATTEMPT_TIMEOUT_MS);
      await this.#onFound(this.#settings.topic);
      this.#isReady = true;
      const fields = { topic: this.#settings.topic, partitions: topic?.partitions.length };
      this.#log("info", created ? "created the topic" : "found the topic", fields);
    } catch (cause) {
      if (this.#isStopped) return;
      const problem = String(cause);
      // Once per reason: Kafka may be away for hours.
      if (problem !== this.#lastProblem)
        this.#log("warn", "the topic is not there yet", { topic: this.#settings.topic, error: problem });
      this.#lastProblem = problem;
      this.#timer = setTimeout(() => this.#try(), RETRY_MS);
    }
  }
}

const ATTEMPT_TIMEOUT_MS = 5000;
const RETRY_MS = 500;
