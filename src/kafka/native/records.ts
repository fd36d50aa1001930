/**
 * Hands records to librdkafka, many in one call: they are packed into memory of our own, as `sluice_produce` (produce.c) reads them.
 * librdkafka copies topic, key, value and headers during that call, so the memory is used again for the next ones.
 */
import type { ClientHandle } from "./client.ts";
import { compiledProduce } from "./compiled.ts";
import { rd } from "./library.ts";
import { at, cString, OwnedBuffer } from "./memory.ts";
import { vu } from "./structs.ts";
import { topicSetup } from "./turns.ts";

export type Header = readonly [name: string, value: string | Uint8Array];

/** Why librdkafka cannot be given this record, whatever the state of the cluster. */
export class UnfitRecord extends Error {
  override readonly name = "UnfitRecord";
}

/** What a record consists of. `null` for the value is a tombstone. Timestamps in ms since 1970; 0 leaves it to librdkafka: now. */
export interface KafkaRecord {
  readonly topic: string;
  readonly key: string | Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
  readonly timestampMs?: number | undefined;
}

/** Far over what Kafka takes, and far below the sizes that do not fit librdkafka's own counting. */
const RECORD_BYTES_MAX = 512 * 1024 * 1024;
/** Of one call. */
const RECORDS_MAX = 1024;
const HEADERS_MAX = 64;
const BYTES = 256 * 1024;
const WORDS_OF_RECORD = 7;
const WORDS_OF_HEADER = 3;
const WORDS = RECORDS_MAX * (WORDS_OF_RECORD + 4 * WORDS_OF_HEADER);
const FIXED_VUS = 6; // topic, flags, opaque, value, key, timestamp
const TOPICS = 64;
const KNOWN_NAMES_MAX = 64;
const NONE = 0xffffffff;

export class RecordWriter {
  readonly #client: ClientHandle;
  readonly #topics = new Map<string, number>();
  #topicHandles = new OwnedBuffer(TOPICS * 8);
  /** Of each topic, where records without a key have got to among its partitions (turns.ts). */
  #topicTurns = new OwnedBuffer(TOPICS * 8);
  /** How many batches were handed over. */
  #batches = 0;
  /** Header names seen before, as C strings. Bounded: past the limit, names are packed with their records. */
  readonly #names = new Map<string, number>();
  readonly #nameTexts: OwnedBuffer[] = [];
  readonly #nameAddresses = new OwnedBuffer(KNOWN_NAMES_MAX * 8);
  readonly #codes = new OwnedBuffer(RECORDS_MAX * 4);
  readonly #slots = new Uint32Array(RECORDS_MAX);
  #count = 0;
  #words = new OwnedBuffer(WORDS * 4);
  #usedWords = 0;
  #bytes = new OwnedBuffer(BYTES);
  #text = Buffer.from(this.#bytes.bytes.buffer);
  #usedBytes = 0;
  #vus = new OwnedBuffer((FIXED_VUS + HEADERS_MAX) * vu.size);

  constructor(client: ClientHandle) {
    this.#client = client;
  }

  /**
   * Packs the record; false where there is no room beside those that are packed, which `flush` makes. `slot` (> 0) comes back with the
   * delivery report. Throws where librdkafka can never have it; `UnfitRecord` where that is the record's fault.
   */
  add(record: KafkaRecord, slot: number): boolean {
    const topic = this.#topics.get(record.topic) ?? this.#newTopic(record.topic);
    if (!this.#reserve(record)) return false;
    const { value, key, headers } = record;
    const words = this.#words.u32;
    const first = this.#usedWords;
    let end = first + WORDS_OF_RECORD;
    const start = this.#usedBytes;
    try {
      words[first] = topic;
      words[first + 1] = slot;
      words[first + 2] = value === null ? NONE : this.#append(value);
      words[first + 3] = key === null ? NONE : this.#append(key);
      this.#words.setWord((first + 4) * 4, record.timestampMs ?? 0);
      words[first + 6] = headers.length;
      for (const [name, content] of headers) {
        this.#appendName(name, end);
        words[end + 2] = this.#append(content);
        end += WORDS_OF_HEADER;
      }
    } catch (cause) {
      // Half a record: the next one takes its place.
      this.#usedBytes = start;
      throw cause;
    }
    this.#slots[this.#count++] = slot;
    this.#usedWords = end;
    return true;
  }

  /** Hands over what is packed. Returns the records that librdkafka did not take, by slot and with its error code; mostly none. */
  flush(): readonly (readonly [slot: number, errorCode: number])[] {
    const count = this.#count;
    if (count === 0) return NOTHING;
    this.#count = 0;
    this.#usedWords = 0;
    this.#usedBytes = 0;
    const { produce, table } = compiledProduce();
    this.#batches = (this.#batches + 1) >>> 0;
    const refused = produce(
      this.#client.rk,
      table.address,
      at(this.#topicHandles, 0),
      at(this.#topicTurns, 0),
      this.#batches,
      at(this.#nameAddresses, 0),
      at(this.#words, 0),
      at(this.#bytes, 0),
      count,
      at(this.#vus, 0),
      at(this.#codes, 0),
    );
    const list = refused === 0 ? NOTHING : this.#refused(count);
    if (this.#bytes.size > BYTES) this.#resize(BYTES);
    return list;
  }

  #refused(count: number): [slot: number, errorCode: number][] {
    const list: [number, number][] = [];
    for (let i = 0; i < count; i++) {
      const code = this.#codes.u32[i]! | 0;
      if (code !== 0) list.push([this.#slots[i]!, code]);
    }
    return list;
  }

  /** Gives the topic handles back; before the client is destroyed. */
  destroy(): void {
    for (const index of this.#topics.values()) rd().rd_kafka_topic_destroy(this.#topicHandles.pointerAt(index * 8));
    this.#topics.clear();
  }

  #newTopic(name: string): number {
    const nameText = text("a topic's name", name);
    const { conf, turns } = topicSetup(this.#client.rk, name);
    const handle = rd().rd_kafka_topic_new(this.#client.rk, nameText, conf);
    // A null handle among the arguments would bring the process down.
    if (handle === null) throw new UnfitRecord(`there can be no topic called ${name.slice(0, 100)}`);
    const index = this.#topics.size;
    if ((index + 1) * 8 > this.#topicHandles.size) {
      this.#topicHandles = enlarged(this.#topicHandles);
      this.#topicTurns = enlarged(this.#topicTurns);
    }
    this.#topicHandles.setWord(index * 8, handle as number);
    this.#topicTurns.setWord(index * 8, turns);
    this.#topics.set(name, index);
    return index;
  }

  /** Whether there is room; made here for a record that has none even by itself. */
  #reserve({ key, value, headers }: KafkaRecord): boolean {
    let size = room(key) + room(value);
    for (const header of headers) size += room(header[0]) + 1 + room(header[1]);
    if (size > RECORD_BYTES_MAX) throw new UnfitRecord(`a record of up to ${size} bytes`);
    const words = WORDS_OF_RECORD + headers.length * WORDS_OF_HEADER;
    const fits =
      this.#count < RECORDS_MAX &&
      this.#usedBytes + size <= this.#bytes.size &&
      (this.#usedWords + words) * 4 <= this.#words.size;
    if (!fits && this.#count > 0) return false;
    if (size > this.#bytes.size) this.#resize(size);
    if (words * 4 > this.#words.size) this.#words = new OwnedBuffer(words * 4);
    const vus = (FIXED_VUS + headers.length) * vu.size;
    if (vus > this.#vus.size) this.#vus = new OwnedBuffer(vus);
    return true;
  }

  #resize(size: number): void {
    this.#bytes = new OwnedBuffer(size);
    this.#text = Buffer.from(this.#bytes.bytes.buffer);
  }

  /** Writes the first two of a header's words. */
  #appendName(name: string, at: number): void {
    const words = this.#words.u32;
    words[at] = this.#names.get(name) ?? this.#newName(name);
    words[at + 1] = words[at] === NONE ? this.#append(text("a header's name", name)) : 0;
  }

  #newName(name: string): number {
    const bytes = text("a header's name", name);
    const index = this.#nameTexts.length;
    if (index >= KNOWN_NAMES_MAX) return NONE;
    const owned = new OwnedBuffer(bytes.byteLength);
    owned.bytes.set(bytes);
    this.#nameTexts.push(owned);
    this.#nameAddresses.setWord(index * 8, owned.address);
    this.#names.set(name, index);
    return index;
  }

  /** Returns the number of bytes written at `#usedBytes`. */
  #append(content: string | Uint8Array): number {
    const start = this.#usedBytes;
    if (typeof content === "string") {
      this.#usedBytes += this.#text.write(content, start, "utf8");
    } else {
      this.#bytes.bytes.set(content, start);
      this.#usedBytes += content.byteLength;
    }
    return this.#usedBytes - start;
  }
}

const NOTHING: readonly (readonly [number, number])[] = [];

function enlarged(buffer: OwnedBuffer): OwnedBuffer {
  const larger = new OwnedBuffer(buffer.size * 2);
  larger.bytes.set(buffer.bytes);
  return larger;
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
