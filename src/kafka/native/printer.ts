/**
 * Prints consumed records between texts that its user gives, many in one call (`sluice_print` in consume.c): partition, offset,
 * timestamp, the value of one header, key, value. What of them is not as simple as that is left to whoever prints one at a time.
 */
import type { Pointer } from "bun:ffi";
import type { HeaderName, TransferBuffer } from "./batch.ts";
import { compiledConsume } from "./compiled.ts";
import { at, OwnedBuffer } from "./memory.ts";
import { printed, text } from "./structs.ts";

/** In the order in which consume.c has them: what stands before each field, instead of one that is missing, and behind it. */
const ORDER = [
  ...["partition", "offset", "timestamp", "header", "noHeader", "afterHeader"],
  ...["key", "noKey", "afterKey", "value", "noValue", "end"],
] as readonly (keyof PrintedTexts)[];

export interface PrintedTexts {
  readonly partition: string;
  readonly offset: string;
  readonly timestamp: string;
  readonly header: string;
  readonly noHeader: string;
  readonly afterHeader: string;
  readonly key: string;
  readonly noKey: string;
  readonly afterKey: string;
  readonly value: string;
  readonly noValue: string;
  readonly end: string;
}

const WORDS = printed.size / 4;
const NONE = 0xffffffff;

export class RecordPrinter {
  /** The most records of one call. */
  readonly capacity: number;
  readonly #header: HeaderName;
  readonly #bytes: OwnedBuffer;
  readonly #texts = new OwnedBuffer(ORDER.length * text.size);
  readonly #printed: OwnedBuffer;
  /** Where in the buffer the last call began. */
  #offset = 0;

  constructor(texts: PrintedTexts, header: HeaderName, capacity: number) {
    this.capacity = capacity;
    this.#header = header;
    this.#printed = new OwnedBuffer(capacity * printed.size);
    const encoded = ORDER.map((name) => Buffer.from(texts[name]));
    this.#bytes = new OwnedBuffer(encoded.reduce((total, { length }) => total + length, 0));
    let end = 0;
    encoded.forEach((content, i) => {
      this.#bytes.bytes.set(content, end);
      this.#texts.setWord(i * text.size + text.bytes, this.#bytes.address + end);
      this.#texts.setWord(i * text.size + text.length, content.length);
      end += content.length;
    });
  }

  /** For `RecordBatch.print`, which has looked at its arguments. */
  printMessages(messages: Pointer, first: number, end: number, target: TransferBuffer, offset: number): number {
    this.#offset = offset;
    const { print, table } = compiledConsume();
    const next = print(
      table.address,
      messages,
      first,
      Math.min(end, first + this.capacity),
      this.#header.address,
      at(this.#texts, 0),
      target.addressAt(offset),
      target.size - offset,
      at(this.#printed, 0),
    );
    return next - first;
  }

  // Of the last call, by their order in it. Where they lie in the buffer:

  end(k: number): number {
    return this.#offset + this.#word(k, printed.end);
  }

  /** -1 where it has none. */
  valueStart(k: number): number {
    const value = this.#word(k, printed.value);
    return value === NONE ? -1 : this.#offset + value;
  }

  valueEnd(k: number): number {
    return this.#offset + this.#word(k, printed.valueEnd);
  }

  partition(k: number): number {
    return this.#word(k, printed.partition) | 0;
  }

  recordOffset(k: number): number {
    return this.#word(k, printed.offset) + this.#word(k, printed.offset + 4) * 4_294_967_296;
  }

  #word(k: number, field: number): number {
    return this.#printed.u32[k * WORDS + (field >> 2)]!;
  }
}
