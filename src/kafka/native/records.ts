/**
 * Hands records to librdkafka: `rd_kafka_produceva` with its argument array and everything it points at in memory of our own.
 * librdkafka copies topic, key, value and headers during the call, so that memory is used again for the next record.
 */
import type { Pointer } from "bun:ffi";
import type { ClientHandle } from "./client.ts";
import { rd } from "./library.ts";
import { at, cString, OwnedBuffer } from "./memory.ts";
import { MSG_F_COPY, VTYPE, vu } from "./structs.ts";

export type Header = readonly [name: string, value: string | Uint8Array];

/** Why librdkafka cannot be given this record, whatever the state of the cluster. */
export class UnfitRecord extends Error {
  override readonly name = "UnfitRecord";
}

/** What a record consists of. `null` for the value is a tombstone. Timestamps in ms since 1970. */
export interface KafkaRecord {
  readonly topic: string;
  readonly key: string | Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
  readonly timestampMs?: number | undefined;
}

const FIXED_VUS = 6; // topic, flags, value, opaque, key, timestamp
const KNOWN_NAMES_MAX = 64;
/** Far over what Kafka takes, and far below the sizes that do not fit librdkafka's own counting. */
const RECORD_BYTES_MAX = 512 * 1024 * 1024;

export class RecordWriter {
  readonly #client: ClientHandle;
  readonly #topics = new Map<string, Pointer>();
  /** Header names seen before, as C strings. Bounded: past the limit, names are written per record. */
  readonly #names = new Map<string, OwnedBuffer>();
  #vus = new OwnedBuffer((FIXED_VUS + 8) * vu.size);
  /** The record's bytes: key, value and header values, end to end. */
  #bytes = new OwnedBuffer(64 * 1024);
  #buffer = Buffer.from(this.#bytes.bytes.buffer);
  #used = 0;

  constructor(client: ClientHandle) {
    this.#client = client;
  }

  /**
   * Returns 0, or librdkafka's error code where the record was not taken. `slot` (> 0) comes back with the delivery report.
   * Throws only where the record was not taken either: `UnfitRecord` where it is the record's fault.
   */
  write(record: KafkaRecord, slot: number): number {
    this.#reserve(record);
    this.#used = 0;
    let n = 0;
    n = this.#word(n, VTYPE.RKT, this.#topic(record.topic) as number);
    n = this.#word(n, VTYPE.MSGFLAGS, MSG_F_COPY);
    n = this.#word(n, VTYPE.OPAQUE, slot);
    if (record.value !== null) n = this.#memory(n, VTYPE.VALUE, record.value);
    if (record.key !== null) n = this.#memory(n, VTYPE.KEY, record.key);
    if (record.timestampMs !== undefined) n = this.#word(n, VTYPE.TIMESTAMP, record.timestampMs);
    for (const header of record.headers) n = this.#header(n, header);
    const error = rd().rd_kafka_produceva(this.#client.rk, at(this.#vus, 0), n);
    if (error === null) return 0;
    const code = rd().rd_kafka_error_code(error);
    rd().rd_kafka_error_destroy(error);
    return code;
  }

  /** Gives the topic handles back; before the client is destroyed. */
  destroy(): void {
    for (const topic of this.#topics.values()) rd().rd_kafka_topic_destroy(topic);
    this.#topics.clear();
  }

  #topic(name: string): Pointer {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      const handle = rd().rd_kafka_topic_new(this.#client.rk, text("a topic's name", name), null);
      // A null handle among the arguments would bring the process down.
      if (handle === null) throw new UnfitRecord(`there can be no topic called ${name.slice(0, 100)}`);
      topic = handle;
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #reserve(record: KafkaRecord): void {
    let size = room(record.key) + room(record.value);
    for (const header of record.headers) size += room(header[0]) + 1 + room(header[1]);
    if (size > RECORD_BYTES_MAX) throw new UnfitRecord(`a record of up to ${size} bytes`);
    if (size > this.#bytes.size) {
      this.#bytes = new OwnedBuffer(size * 2);
      this.#buffer = Buffer.from(this.#bytes.bytes.buffer);
    }
    const vus = (FIXED_VUS + record.headers.length) * vu.size;
    if (vus > this.#vus.size) this.#vus = new OwnedBuffer(vus * 2);
  }

  /** Starts the nth argument. A write past the end of the array would be lost in silence, and C would read there all the same. */
  #argument(n: number, vtype: number): number {
    const base = n * vu.size;
    if (base + vu.size > this.#vus.size) throw new RangeError("more arguments than were counted");
    this.#vus.u32[base >> 2] = vtype;
    return base;
  }

  #word(n: number, vtype: number, value: number): number {
    this.#vus.setWord(this.#argument(n, vtype) + vu.first, value);
    return n + 1;
  }

  #memory(n: number, vtype: number, content: string | Uint8Array): number {
    const base = this.#argument(n, vtype);
    this.#vus.setWord(base + vu.first, this.#bytes.address + this.#used);
    this.#vus.setWord(base + vu.second, this.#append(content));
    return n + 1;
  }

  #header(n: number, [name, value]: Header): number {
    const base = this.#argument(n, VTYPE.HEADER);
    this.#vus.setWord(base + vu.first, this.#nameAddress(name));
    this.#vus.setWord(base + vu.second, this.#bytes.address + this.#used);
    this.#vus.setWord(base + vu.third, this.#append(value));
    return n + 1;
  }

  #nameAddress(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known.address;
    const bytes = text("a header's name", name);
    if (this.#names.size >= KNOWN_NAMES_MAX) {
      const address = this.#bytes.address + this.#used;
      this.#append(bytes);
      return address;
    }
    const owned = new OwnedBuffer(bytes.byteLength);
    owned.bytes.set(bytes);
    this.#names.set(name, owned);
    return owned.address;
  }

  /** Returns the number of bytes written at `#used`. */
  #append(content: string | Uint8Array): number {
    const start = this.#used;
    if (typeof content === "string") {
      this.#used += this.#buffer.write(content, start, "utf8");
    } else {
      this.#bytes.bytes.set(content, start);
      this.#used += content.byteLength;
    }
    return this.#used - start;
  }
}

function text(what: string, content: string): Uint8Array {
  if (content.includes("\0"))
    throw new UnfitRecord(`${what} must not hold a NUL: ${JSON.stringify(content.slice(0, 100))}`);
  return cString(content);
}

/** An upper bound of the bytes this takes: UTF-8 needs at most three bytes for a UTF-16 unit. */
function room(content: string | Uint8Array | null): number {
  if (content === null) return 0;
  return typeof content === "string" ? content.length * 3 : content.byteLength;
}
