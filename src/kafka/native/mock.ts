/** librdkafka's mock cluster: a Kafka-protocol broker in this process, on real TCP ports, that forgets everything at its end. */
import type { Pointer } from "bun:ffi";
import { ClientHandle, type Receivers } from "./client.ts";
import { laterMockLibrary, mockLibrary, rd } from "./library.ts";
import { cString, int32, textAt } from "./memory.ts";

const SILENT: Receivers = { onError: () => {}, onLog: () => {}, onOther: () => {} };

/** Kafka's API keys that faults are injected for. */
export const API_KEYS = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  InitProducerId: 22,
} as const;

export class MockCluster {
  readonly #client: ClientHandle;
  readonly #brokers: number;
  #cluster: Pointer | null;

  constructor(brokers = 1) {
    this.#brokers = brokers;
    const mock = mockLibrary();
    this.#client = new ClientHandle("producer", { "client.id": "sluice-mock" }, SILENT);
    this.#cluster = mock.rd_kafka_mock_cluster_new(this.#client.rk, int32(brokers, "a number of brokers"));
    if (this.#cluster === null) {
      this.#client.destroyHere();
      throw new Error("the mock cluster could not be started");
    }
    const later = laterMockLibrary();
    // Consumers join at once instead of after 3 s; older libraries cannot.
    later?.rd_kafka_mock_group_initial_rebalance_delay_ms(this.#cluster, 100);
    // Admin requests wait for a controller; the mock names none by itself.
    later?.rd_kafka_mock_set_controller_id(this.#cluster, 1);
  }

  /** "host:port,…" */
  get bootstrap(): string {
    return textAt(mockLibrary().rd_kafka_mock_cluster_bootstraps(this.#handle));
  }

  createTopic(topic: string, partitions: number): void {
    const count = int32(partitions, "a number of partitions");
    check(
      `topic ${topic}`,
      mockLibrary().rd_kafka_mock_topic_create(this.#handle, cString(topic), count, this.#brokers),
    );
  }

  /** -1: nobody. */
  setLeader(topic: string, partition: number, broker: number): void {
    const [p, b] = [int32(partition, "a partition"), int32(broker, "a broker")];
    const code = mockLibrary().rd_kafka_mock_partition_set_leader(this.#handle, cString(topic), p, b);
    check(`partition ${partition} of ${topic}`, code);
  }

  /** The next requests of that kind are answered with these errors, in order. */
  failNext(api: keyof typeof API_KEYS, errorCodes: readonly number[]): void {
    if (errorCodes.length === 0) return;
    const errors = Int32Array.from(errorCodes);
    mockLibrary().rd_kafka_mock_push_request_errors_array(this.#handle, API_KEYS[api], errors.length, errors);
  }

  /** Cuts every connection and refuses new ones; all brokers without an id. */
  setDown(broker?: number): void {
    for (const id of this.#ids(broker))
      check(`broker ${id}`, mockLibrary().rd_kafka_mock_broker_set_down(this.#handle, id));
  }

  setUp(broker?: number): void {
    for (const id of this.#ids(broker))
      check(`broker ${id}`, mockLibrary().rd_kafka_mock_broker_set_up(this.#handle, id));
  }

  /** Holds every answer back by `rttMs`. */
  setRoundTrip(rttMs: number, broker?: number): void {
    for (const id of this.#ids(broker))
      check(`broker ${id}`, mockLibrary().rd_kafka_mock_broker_set_rtt(this.#handle, id, rttMs));
  }

  async close(): Promise<void> {
    if (this.#cluster === null) return;
    mockLibrary().rd_kafka_mock_cluster_destroy(this.#cluster);
    this.#cluster = null;
    await this.#client.destroy();
  }

  #ids(broker: number | undefined): number[] {
    return broker === undefined ? Array.from({ length: this.#brokers }, (_, i) => i + 1) : [broker];
  }

  get #handle(): Pointer {
    if (this.#cluster === null) throw new Error("this mock cluster is closed");
    return this.#cluster;
  }
}

function check(what: string, code: number): void {
  if (code !== 0) throw new Error(`mock cluster, ${what}: ${textAt(rd().rd_kafka_err2str(code))}`);
}
