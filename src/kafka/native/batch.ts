/**
 * A batch of consumed records, borrowed from librdkafka: read where they lie, copied at most once, straight to where they are
 * wanted, then given back together. Not one JavaScript object is made a record.
 */
import { type Pointer, read } from "bun:ffi";
import { compiledConsume } from "./compiled.ts";
import { libc, rd } from "./library.ts";
import { at, cString, OwnedBuffer, readI64, textAt } from "./memory.ts";
import type { RecordPrinter } from "./printer.ts";
import { message } from "./structs.ts";

/** Memory that records are copied into. Once its `bytes.buffer` is transferred to another thread, a new one is needed. */
export class TransferBuffer {
  readonly #memory: OwnedBuffer;

  constructor(size: number) {
    this.#memory = new OwnedBuffer(size);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#memory.bytes;
  }

  get size(): number {
    return this.#memory.size;
  }

  /** For the native layer. */
  addressAt(offset: number): Pointer {
    return at(this.#memory, offset);
  }
}

/** A header's name, ready to be looked for in many records. */
export class HeaderName {
  readonly #text: OwnedBuffer;

  constructor(name: string) {
    const text = cString(name);
    this.#text = new OwnedBuffer(text.byteLength);
    this.#text.bytes.set(text);
  }

  get address(): Pointer {
    return at(this.#text, 0);
  }
}

const NO_HEADER = -1;
const [HEADERS, VALUE, SIZE, NAME] = [0, 8, 16, 24];

export class RecordBatch {
  readonly capacity: number;
  #count = 0;
  readonly #messages: OwnedBuffer;
  /** Out-parameters of the header functions. */
  readonly #out = new OwnedBuffer(32);
  #headerValue: Pointer | null = null;
  #headerSize = 0;

  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) throw new RangeError(`a batch of ${capacity} records`);
    // Here, where there is nothing yet that could not be given back without it.
    compiledConsume();
    this.capacity = capacity;
    this.#messages = new OwnedBuffer(capacity * 8);
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Takes what waits on the queue, or waits up to `timeoutMs` for a first record. Everything taken before must be released.
   * Messages that stand for errors are handed to `onError` and not kept.
   */
  fill(queue: Pointer, timeoutMs: number, onError: (errorCode: number, partition: number) => void): void {
    if (this.#count !== 0) throw new Error("release the batch before filling it again");
    // librdkafka waits until the array is full or the time is over: wait for one, then take what else is there.
    let taken = this.#take(queue, timeoutMs, 0, 1);
    if (taken === 1) taken += this.#take(queue, 0, 1, this.capacity - 1);
    this.#keepRecords(taken, onError);
  }

  #take(queue: Pointer, timeoutMs: number, start: number, most: number): number {
    if (most <= 0) return 0;
    return Math.max(0, rd().rd_kafka_consume_batch_queue(queue, timeoutMs, at(this.#messages, start * 8), most));
  }

  #keepRecords(taken: number, onError: (errorCode: number, partition: number) => void): void {
    let kept = compiledConsume().firstError(at(this.#messages, 0), taken);
    const errors: [errorCode: number, partition: number][] = [];
    for (let i = kept; i < taken; i++) {
      const m = this.#messages.pointerAt(i * 8)!;
      const errorCode = read.i32(m, message.err);
      if (errorCode === 0) {
        if (kept !== i) this.#messages.setWord(kept * 8, m as number);
        kept++;
        continue;
      }
      errors.push([errorCode, read.i32(m, message.partition)]);
      rd().rd_kafka_message_destroy(m);
    }
    // Before anybody is told: whoever throws then leaves a batch that knows what it holds.
    this.#count = kept;
    for (const [errorCode, partition] of errors) onError(errorCode, partition);
  }

  partition(i: number): number {
    return read.i32(this.#at(i), message.partition);
  }

  offset(i: number): number {
    return readI64(this.#at(i), message.offset);
  }

  /** Milliseconds since 1970; -1 where the record has none. Whatever its producer wrote: beyond 2^53 it is a bigint. */
  timestampMs(i: number): number | bigint {
    return rd().rd_kafka_message_timestamp(this.#at(i), at(this.#out, 0)) as number | bigint;
  }

  /** In bytes; -1 where the value is null (a tombstone). */
  valueLength(i: number): number {
    const m = this.#at(i);
    return read.ptr(m, message.payload) === 0 ? -1 : read.u32(m, message.len);
  }

  copyValue(i: number, target: TransferBuffer, offset: number): void {
    const m = this.#at(i);
    copy(target, offset, read.ptr(m, message.payload) as Pointer, read.u32(m, message.len));
  }

  /** In bytes; -1 where there is no key. */
  keyLength(i: number): number {
    const m = this.#at(i);
    return read.ptr(m, message.key) === 0 ? -1 : read.u32(m, message.keyLen);
  }

  copyKey(i: number, target: TransferBuffer, offset: number): void {
    const m = this.#at(i);
    copy(target, offset, read.ptr(m, message.key) as Pointer, read.u32(m, message.keyLen));
  }

  /** Finds the last header of that name: its length in bytes, or -1. `copyHeader` then copies it. */
  findHeader(i: number, name: HeaderName): number {
    this.#headerSize = NO_HEADER;
    const out = this.#out;
    if (rd().rd_kafka_message_headers(this.#at(i), at(out, HEADERS)) !== 0) return NO_HEADER;
    const headers = out.pointerAt(HEADERS);
    const error = rd().rd_kafka_header_get_last(headers, name.address, at(out, VALUE), at(out, SIZE));
    if (error !== 0 || out.pointerAt(VALUE) === null) return NO_HEADER;
    this.#headerValue = out.pointerAt(VALUE);
    this.#headerSize = out.u32[SIZE >> 2]!;
    return this.#headerSize;
  }

  /** Copies the header that the last `findHeader` found. */
  copyHeader(target: TransferBuffer, offset: number): void {
    if (this.#headerSize > 0) copy(target, offset, this.#headerValue!, this.#headerSize);
  }

  /** Every header, copied, in the record's order. For handlers and the like: it makes objects. */
  readHeaders(i: number): [name: string, value: Uint8Array | null][] {
    const out = this.#out;
    if (rd().rd_kafka_message_headers(this.#at(i), at(out, HEADERS)) !== 0) return [];
    const headers = out.pointerAt(HEADERS);
    const read: [string, Uint8Array | null][] = [];
    while (rd().rd_kafka_header_get_all(headers, read.length, at(out, NAME), at(out, VALUE), at(out, SIZE)) === 0) {
      read.push([textAt(out.pointerAt(NAME)), bytesAt(out.pointerAt(VALUE), out.u32[SIZE >> 2]!)]);
    }
    return read;
  }

  /** A copy; null where there is none. */
  readKey(i: number): Uint8Array | null {
    const m = this.#at(i);
    return bytesAt(read.ptr(m, message.key) as Pointer, read.u32(m, message.keyLen));
  }

  /** A copy; null for a tombstone. */
  readValue(i: number): Uint8Array | null {
    const m = this.#at(i);
    return bytesAt(read.ptr(m, message.payload) as Pointer, read.u32(m, message.len));
  }

  /**
   * Prints the record at `i` and those behind it to `target`, at most `most`, from `offset` on: one call for all. Returns how many were;
   * fewer where one is not plain, or the room ends. `printer` says where they lie.
   */
  print(printer: RecordPrinter, i: number, most: number, target: TransferBuffer, offset: number): number {
    if (!(Number.isSafeInteger(i) && i >= 0 && Number.isSafeInteger(offset) && offset >= 0 && offset <= target.size))
      throw new RangeError(`printing record ${i} at ${offset}`);
    // No value that is found before may be copied afterwards: printing gives headers back.
    this.#headerSize = NO_HEADER;
    const end = Math.min(this.#count, i + most);
    return i < end ? printer.printMessages(at(this.#messages, 0), i, end, target, offset) : 0;
  }

  /** Gives the records back to librdkafka. */
  release(): void {
    const count = this.#count;
    this.#count = 0;
    this.#headerSize = NO_HEADER;
    if (count === 0) return;
    const { release, table } = compiledConsume();
    release(table.address, at(this.#messages, 0), count);
  }

  #at(i: number): Pointer {
    if (i >>> 0 !== i || i >= this.#count) throw new RangeError(`record ${i} of a batch of ${this.#count}`);
    return this.#messages.pointerAt(i * 8)!;
  }
}

/** Copied out of C's memory; null for a null pointer. */
function bytesAt(address: Pointer | null, length: number): Uint8Array | null {
  if (address === null || (address as number) === 0) return null;
  if (length === 0) return new Uint8Array(0);
  const copied = new TransferBuffer(length);
  copy(copied, 0, address, length);
  // The memory is made in whole words.
  return copied.bytes.subarray(0, length);
}

function copy(target: TransferBuffer, offset: number, source: Pointer, length: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0 && offset + length <= target.size))
    throw new RangeError(`${length} bytes at ${offset} do not fit into ${target.size}`);
  if (length > 0) libc().memcpy(target.addressAt(offset), source, length);
}
