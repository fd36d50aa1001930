/** Admin requests: sent with a number as their opaque, answered by an event on the client's main queue that carries it. */
import type { Pointer } from "bun:ffi";
import type { ClientHandle } from "./client.ts";
import { CODES } from "./codes.ts";
import { rd } from "./library.ts";
import { at, cString, ErrorText, int32, OutWord, OwnedBuffer, pointerArray, pointersAt, textAt } from "./memory.ts";
import { type PartitionResult, readPartition, readPartitionList, withPartitionList } from "./partitions.ts";
import { ADMIN_OP_ANY, OFFSET_SPEC, RESOURCE_TOPIC } from "./structs.ts";

export interface ClusterDescription {
  readonly clusterId: string;
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
}

export interface TopicDescription {
  readonly topic: string;
  /** As Kafka's own tools print it (base64 for URLs, without padding); null where the cluster gives topics no identity (before Kafka 2.8). */
  readonly topicId: string | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number | null;
    readonly replicas: readonly number[];
    readonly inSync: readonly number[];
  }[];
}

export interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  /** -1 for the cluster's default. */
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
}

export type Failed = { readonly errorCode: number; readonly message: string };

interface Request {
  readonly requestId: number;
  readonly timeoutMs: number;
  /** Where it is not for librdkafka to choose. */
  readonly broker?: number | undefined;
}

const NO_TOPIC_ID = /^A*=*$/;

export class AdminCalls {
  readonly #client: ClientHandle;

  constructor(client: ClientHandle) {
    this.#client = client;
  }

  /** Without a broker, the controller is asked, as far as librdkafka knows which one that is. */
  describeCluster(requestId: number, timeoutMs: number, broker?: number): void {
    this.#send({ requestId, timeoutMs, broker }, (options, queue) =>
      rd().rd_kafka_DescribeCluster(this.#client.rk, options, queue),
    );
  }

  describeTopic(requestId: number, timeoutMs: number, topic: string, broker?: number): void {
    const text = cString(topic);
    const name = new OwnedBuffer(text.byteLength);
    name.bytes.set(text);
    const topics = rd().rd_kafka_TopicCollection_of_topic_names(pointerArray([at(name, 0)]), 1)!;
    try {
      this.#send({ requestId, timeoutMs, broker }, (options, queue) =>
        rd().rd_kafka_DescribeTopics(this.#client.rk, topics, options, queue),
      );
    } finally {
      // The library has its own copy of the name; ours only had to outlive the call that made it.
      name.bytes.fill(0);
      rd().rd_kafka_TopicCollection_destroy(topics);
    }
  }

  /** Throws where librdkafka itself refuses the topic's name or counts. */
  createTopic(requestId: number, timeoutMs: number, topic: NewTopic): void {
    const text = new ErrorText();
    const [name, partitions] = [cString(topic.topic), int32(topic.partitions, "the number of partitions")];
    const replication = int32(topic.replication, "the replication factor");
    const made = rd().rd_kafka_NewTopic_new(name, partitions, replication, text.bytes, text.size);
    if (made === null) throw new RangeError(text.text);
    try {
      for (const [key, value] of Object.entries(topic.config)) {
        const refused = rd().rd_kafka_NewTopic_set_config(made, cString(key), cString(value));
        if (refused !== 0) throw new RangeError(`${key}: ${textAt(rd().rd_kafka_err2str(refused))}`);
      }
      const list = pointerArray([made]);
      this.#send({ requestId, timeoutMs }, (options, queue) =>
        rd().rd_kafka_CreateTopics(this.#client.rk, list, 1, options, queue),
      );
    } finally {
      rd().rd_kafka_NewTopic_destroy(made);
    }
  }

  topicConfig(requestId: number, timeoutMs: number, topic: string, broker?: number): void {
    const resource = rd().rd_kafka_ConfigResource_new(RESOURCE_TOPIC, cString(topic))!;
    try {
      const list = pointerArray([resource]);
      this.#send({ requestId, timeoutMs, broker }, (options, queue) =>
        rd().rd_kafka_DescribeConfigs(this.#client.rk, list, 1, options, queue),
      );
    } finally {
      rd().rd_kafka_ConfigResource_destroy(resource);
    }
  }

  listOffsets(
    requestId: number,
    timeoutMs: number,
    topic: string,
    partitions: readonly number[],
    spec: keyof typeof OFFSET_SPEC,
  ): void {
    const wanted = partitions.map((partition) => ({ topic, partition, offset: OFFSET_SPEC[spec] }));
    withPartitionList(wanted, (list) =>
      this.#send({ requestId, timeoutMs }, (options, queue) =>
        rd().rd_kafka_ListOffsets(this.#client.rk, list, options, queue),
      ),
    );
  }

  groupOffsets(
    requestId: number,
    timeoutMs: number,
    group: string,
    topic: string,
    partitions: readonly number[],
  ): void {
    const wanted = partitions.map((partition) => ({ topic, partition }));
    withPartitionList(wanted, (list) => {
      const request = rd().rd_kafka_ListConsumerGroupOffsets_new(cString(group), list)!;
      try {
        const array = pointerArray([request]);
        this.#send({ requestId, timeoutMs }, (options, queue) =>
          rd().rd_kafka_ListConsumerGroupOffsets(this.#client.rk, array, 1, options, queue),
        );
      } finally {
        rd().rd_kafka_ListConsumerGroupOffsets_destroy(request);
      }
    });
  }

  /** The request an event answers; 0 where it is no answer. */
  requestId(event: Pointer): number {
    return (rd().rd_kafka_event_opaque(event) as number | null) ?? 0;
  }

  failure(event: Pointer): Failed | undefined {
    const errorCode = rd().rd_kafka_event_error(event);
    if (errorCode === 0) return undefined;
    return { errorCode, message: textAt(rd().rd_kafka_event_error_string(event)) };
  }

  readCluster(event: Pointer): ClusterDescription {
    const result = rd().rd_kafka_event_DescribeCluster_result(event)!;
    const count = new OutWord();
    const nodes = rd().rd_kafka_DescribeCluster_result_nodes(result, count.bytes);
    return {
      clusterId: textAt(rd().rd_kafka_DescribeCluster_result_cluster_id(result)),
      brokers: pointersAt(nodes, count.asNumber).map((node) => ({
        id: rd().rd_kafka_Node_id(node),
        host: textAt(rd().rd_kafka_Node_host(node)),
        port: rd().rd_kafka_Node_port(node),
      })),
    };
  }

  readTopic(event: Pointer, topic: string): TopicDescription | Failed {
    const result = rd().rd_kafka_event_DescribeTopics_result(event)!;
    const count = new OutWord();
    const [description] = pointersAt(rd().rd_kafka_DescribeTopics_result_topics(result, count.bytes), count.asNumber);
    if (description === undefined) return { errorCode: CODES.ERR_UNKNOWN_TOPIC_OR_PART, message: "" };
    const failed = readError(rd().rd_kafka_TopicDescription_error(description));
    if (failed) return failed;
    const id = textAt(rd().rd_kafka_Uuid_base64str(rd().rd_kafka_TopicDescription_topic_id(description)));
    const infos = rd().rd_kafka_TopicDescription_partitions(description, count.bytes);
    return {
      topic,
      topicId: NO_TOPIC_ID.test(id) ? null : urlSafe(id),
      partitions: pointersAt(infos, count.asNumber).map(readPartitionInfo),
    };
  }

  readCreated(event: Pointer): Failed | undefined {
    const count = new OutWord();
    const results = rd().rd_kafka_CreateTopics_result_topics(
      rd().rd_kafka_event_CreateTopics_result(event),
      count.bytes,
    );
    const [first] = pointersAt(results, count.asNumber);
    if (first === undefined || rd().rd_kafka_topic_result_error(first) === 0) return undefined;
    return {
      errorCode: rd().rd_kafka_topic_result_error(first),
      message: textAt(rd().rd_kafka_topic_result_error_string(first)),
    };
  }

  /** What is set to nothing is left out, and so is what Kafka keeps to itself. */
  readTopicConfig(event: Pointer): Map<string, string> | Failed {
    const result = rd().rd_kafka_event_DescribeConfigs_result(event);
    const count = new OutWord();
    const resources = rd().rd_kafka_DescribeConfigs_result_resources(result, count.bytes);
    const [resource] = pointersAt(resources, count.asNumber);
    if (resource === undefined) return new Map();
    const errorCode = rd().rd_kafka_ConfigResource_error(resource);
    if (errorCode !== 0) return { errorCode, message: textAt(rd().rd_kafka_ConfigResource_error_string(resource)) };
    const entries = rd().rd_kafka_ConfigResource_configs(resource, count.bytes);
    const config = new Map<string, string>();
    for (const entry of pointersAt(entries, count.asNumber)) {
      const value = rd().rd_kafka_ConfigEntry_value(entry);
      if (value !== null) config.set(textAt(rd().rd_kafka_ConfigEntry_name(entry)), textAt(value));
    }
    return config;
  }

  readOffsets(event: Pointer): PartitionResult[] {
    const count = new OutWord();
    const infos = rd().rd_kafka_ListOffsets_result_infos(rd().rd_kafka_event_ListOffsets_result(event), count.bytes);
    return pointersAt(infos, count.asNumber).map((info) =>
      readPartition(rd().rd_kafka_ListOffsetsResultInfo_topic_partition(info)!),
    );
  }

  readGroupOffsets(event: Pointer): PartitionResult[] | Failed {
    const count = new OutWord();
    const result = rd().rd_kafka_event_ListConsumerGroupOffsets_result(event);
    const [group] = pointersAt(
      rd().rd_kafka_ListConsumerGroupOffsets_result_groups(result, count.bytes),
      count.asNumber,
    );
    if (group === undefined) return [];
    return (
      readError(rd().rd_kafka_group_result_error(group)) ??
      readPartitionList(rd().rd_kafka_group_result_partitions(group))
    );
  }

  #send({ requestId, timeoutMs, broker }: Request, send: (options: Pointer, queue: Pointer) => void): void {
    const options = rd().rd_kafka_AdminOptions_new(this.#client.rk, ADMIN_OP_ANY)!;
    try {
      const text = new ErrorText();
      const timeout = int32(Math.ceil(timeoutMs), "a timeout in ms");
      const refused = rd().rd_kafka_AdminOptions_set_request_timeout(options, timeout, text.bytes, text.size);
      if (refused !== 0) throw new RangeError(text.text);
      if (broker !== undefined) askBroker(options, broker);
      rd().rd_kafka_AdminOptions_set_opaque(options, requestId as Pointer);
      send(options, this.#client.main.handle);
    } finally {
      rd().rd_kafka_AdminOptions_destroy(options);
    }
  }
}

/** librdkafka writes base64's standard alphabet. */
function urlSafe(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

function readError(error: Pointer | null): Failed | undefined {
  const errorCode = error === null ? 0 : rd().rd_kafka_error_code(error);
  return errorCode === 0 ? undefined : { errorCode, message: textAt(rd().rd_kafka_error_string(error)) };
}

function readPartitionInfo(info: Pointer): TopicDescription["partitions"][number] {
  const count = new OutWord();
  const leader = rd().rd_kafka_TopicPartitionInfo_leader(info);
  const ids = (array: Pointer | null) => pointersAt(array, count.asNumber).map((node) => rd().rd_kafka_Node_id(node));
  const replicas = ids(rd().rd_kafka_TopicPartitionInfo_replicas(info, count.bytes));
  return {
    partition: rd().rd_kafka_TopicPartitionInfo_partition(info),
    leader: leader === null ? null : rd().rd_kafka_Node_id(leader),
    replicas,
    inSync: ids(rd().rd_kafka_TopicPartitionInfo_isr(info, count.bytes)),
  };
}

function askBroker(options: Pointer, broker: number): void {
  const text = new ErrorText();
  const refused = rd().rd_kafka_AdminOptions_set_broker(options, int32(broker, "a broker's id"), text.bytes, text.size);
  if (refused !== 0) throw new RangeError(text.text);
}
