/** Questions to the cluster, as promises; none of them blocks. A request that fails rejects with `KafkaError`. */
import { adminConfig, type ClientConfig, toProperties } from "./config.ts";
import { KafkaError } from "./error.ts";
import { requireFeatures } from "./features.ts";
import { type KafkaLog, logError, logLine } from "./log.ts";
import {
  AdminCalls,
  ClientHandle,
  type ClusterDescription,
  CODES,
  type Failed,
  library,
  type NewTopic,
  type PartitionResult,
  type TopicDescription,
} from "./native/index.ts";
import type { Properties } from "./properties.ts";

type Event = Parameters<AdminCalls["requestId"]>[0];

interface Waiting {
  readonly onAnswer: (event: Event) => void;
  readonly reject: (cause: unknown) => void;
}

export interface AdminOptions {
  readonly brokers: string;
  readonly log: KafkaLog;
  readonly config?: ClientConfig;
  readonly properties?: Properties | undefined;
  /** The consumer group that `groupOffsets` asks about. This client never joins it. */
  readonly group?: string;
  /** Called for each answer of the cluster's: Kafka is there. */
  readonly onContact?: () => void;
}

export interface Watermarks {
  readonly partition: number;
  /** The oldest offset there is. */
  readonly low: number;
  /** The offset that the next record will get. */
  readonly high: number;
}

export class Admin {
  readonly #client: ClientHandle;
  readonly #calls: AdminCalls;
  readonly #group: string | undefined;
  readonly #onContact: () => void;
  readonly #waiting = new Map<number, Waiting>();
  /** A broker that is known to answer; undefined where librdkafka's choice, the controller, does. */
  #answering: number | undefined;
  #lastId = 0;
  #closed: Promise<void> | undefined;

  constructor(options: AdminOptions) {
    const { group } = options;
    const properties = toProperties({ ...adminConfig(options), ...options.config });
    requireFeatures(properties, library().info);
    this.#group = group;
    // A request for a group's offsets crashes a client that has no group of its own when the coordinator has moved: librdkafka
    // 2.15.1 then tells its null `rk_cgrp` to look for the new one (rd_kafka_handle_OffsetFetch). A consumer has one.
    this.#client = new ClientHandle(group === undefined ? "producer" : "consumer", properties, {
      onLog: (event) => logLine(options.log, "admin", event),
      onError: (event) => logError(options.log, "admin", event),
      onOther: (_type, event) => this.#answer(event),
    });
    this.#calls = new AdminCalls(this.#client);
    this.#onContact = options.onContact ?? (() => {});
    this.#client.watch();
  }

  /** `broker` is to answer; without one, the controller. Who answered is asked about topics, too. */
  async describeCluster(timeoutMs: number, broker?: number): Promise<ClusterDescription> {
    const cluster = await this.#ask(
      (id) => this.#calls.describeCluster(id, timeoutMs, broker),
      (event) => this.#calls.readCluster(event),
    );
    this.#answering = broker;
    return cluster;
  }

  /** Null where there is no such topic. */
  async describeTopic(topic: string, timeoutMs: number): Promise<TopicDescription | null> {
    const answer = await this.#askAny(
      (id, broker) => this.#calls.describeTopic(id, timeoutMs, topic, broker),
      (event) => this.#calls.readTopic(event, topic),
    );
    if (!isFailed(answer)) return answer;
    if (answer.errorCode === CODES.ERR_UNKNOWN_TOPIC_OR_PART || answer.errorCode === CODES.ERR__UNKNOWN_TOPIC)
      return null;
    throw new KafkaError(answer.errorCode, answer.message);
  }

  /** Name to value. Needs the right to describe the topic's configuration. */
  async topicConfig(topic: string, timeoutMs: number): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#askAny(
      (id, broker) => this.#calls.topicConfig(id, timeoutMs, topic, broker),
      (event) => this.#calls.readTopicConfig(event),
    );
    if (isFailed(answer)) throw new KafkaError(answer.errorCode, answer.message);
    return answer;
  }

  /** False where it was there already. */
  async createTopic(topic: NewTopic, timeoutMs: number): Promise<boolean> {
    const failed = await this.#ask(
      (id) => this.#calls.createTopic(id, timeoutMs, topic),
      (event) => this.#calls.readCreated(event),
    );
    if (failed === undefined) return true;
    if (failed.errorCode === CODES.ERR_TOPIC_ALREADY_EXISTS) return false;
    throw new KafkaError(failed.errorCode, failed.message);
  }

  async watermarks(topic: string, partitions: readonly number[], timeoutMs: number): Promise<Watermarks[]> {
    const ask = (spec: "EARLIEST" | "LATEST") =>
      this.#ask(
        (id) => this.#calls.listOffsets(id, timeoutMs, topic, partitions, spec),
        (event) => offsets(this.#calls.readOffsets(event)),
      );
    const [low, high] = await Promise.all([ask("EARLIEST"), ask("LATEST")]);
    return partitions.map((partition) => ({ partition, low: low.get(partition) ?? 0, high: high.get(partition) ?? 0 }));
  }

  /** The committed offsets of `AdminOptions.group` by partition; partitions without one are left out. */
  async groupOffsets(topic: string, partitions: readonly number[], timeoutMs: number): Promise<Map<number, number>> {
    const group = this.#group;
    if (group === undefined) throw new Error("this admin client was made without a group");
    const answer = await this.#ask(
      (id) => this.#calls.groupOffsets(id, timeoutMs, group, topic, partitions),
      (event) => this.#calls.readGroupOffsets(event),
    );
    if (isFailed(answer)) throw new KafkaError(answer.errorCode, answer.message);
    // Errors first: a partition that could not be asked about is not one without an offset.
    return new Map([...offsets(answer)].filter(([, offset]) => offset >= 0));
  }

  /** What still waits for an answer rejects. */
  close(): Promise<void> {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error("the admin client was closed"));
    this.#waiting.clear();
    this.#closed ??= this.#client.destroy();
    return this.#closed;
  }

  /** What every broker can answer goes to one that has answered while the controller did not, for as long as it answers. */
  async #askAny<T>(
    send: (requestId: number, broker: number | undefined) => void,
    read: (event: Event) => T,
  ): Promise<T> {
    const broker = this.#answering;
    try {
      return await this.#ask((id) => send(id, broker), read);
    } catch (cause) {
      if (this.#answering === broker) this.#answering = undefined;
      throw cause;
    }
  }

  #ask<T>(send: (requestId: number) => void, read: (event: Event) => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const id = ++this.#lastId;
    this.#waiting.set(id, { onAnswer: (event) => resolve(read(event)), reject });
    try {
      send(id);
    } catch (cause) {
      this.#waiting.delete(id);
      reject(cause);
    }
    return promise;
  }

  #answer(event: Event): void {
    const id = this.#calls.requestId(event);
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    const failed = this.#calls.failure(event);
    try {
      if (failed) throw new KafkaError(failed.errorCode, failed.message);
      this.#onContact();
      waiting.onAnswer(event);
    } catch (cause) {
      waiting.reject(cause);
    }
  }
}

function isFailed(answer: object): answer is Failed {
  return "errorCode" in answer;
}

function offsets(results: readonly PartitionResult[]): Map<number, number> {
  const failed = results.find((result) => result.errorCode !== 0);
  if (failed) throw new KafkaError(failed.errorCode, `partition ${failed.partition}`);
  return new Map(results.map((result) => [result.partition, result.offset]));
}
