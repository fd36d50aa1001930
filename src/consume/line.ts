/**
 * Records → lines, straight from librdkafka's memory: a line is one JSON object with its members in this order,
 *
 *   {"partition":0,"offset":7,"timestamp":1766000000000,"topic":"events","id":"…","key":null,"value":…}
 *
 * `timestamp` is Kafka's, in ms since 1970 (-1 where the record has none). `id` is the header of that name. `value` is the record's
 * own bytes, never re-serialised; only raw line breaks become spaces. What has no place in JSON comes as base64 under another name
 * (`id_base64`, `key_base64`, `value_base64`); what is missing is null. Each value is copied once and checked where it then lies.
 */

import { isPlainText, jsonToOneLine, writeJsonString } from "../json/index.ts";
import { HeaderName, type PrintedTexts, type RecordBatch, RecordPrinter, TransferBuffer } from "../kafka/index.ts";
import { headBytes } from "./line-head.ts";
import { putNumber } from "./number.ts";
import type { Lines, Run } from "./worker-messages.ts";

/** What is read of a batch: the tests have batches of their own. */
export type Records = Pick<
  RecordBatch,
  | "count"
  | "partition"
  | "offset"
  | "timestampMs"
  | "valueLength"
  | "copyValue"
  | "keyLength"
  | "copyKey"
  | "findHeader"
  | "copyHeader"
> &
  /** Without it, each line is made by itself. */
  Partial<Pick<RecordBatch, "print">>;

const encoder = new TextEncoder();
const TIMESTAMP = encoder.encode(',"timestamp":');
const ID = { asText: encoder.encode(',"id":'), asBase64: encoder.encode(',"id_base64":') };
const KEY = { asText: encoder.encode(',"key":'), asBase64: encoder.encode(',"key_base64":') };
const VALUE = { asJson: encoder.encode(',"value":'), asBase64: encoder.encode(',"value_base64":') };
const NULL = encoder.encode("null");
const [LF, QUOTE, CLOSE] = [0x0a, 0x22, 0x7d];

/** Most lines: printed many at once, out of one call. A buffer's worth would be out of the processor's caches by the time it is checked. */
const PRINTED_TOGETHER = 256;

/** Names, punctuation and three numbers of 20 digits, at their longest. */
const FIXED_BYTES = 180;

export class LineMaker {
  readonly #targetBytes: number;
  readonly #onLines: (lines: Lines) => void;
  readonly #topic: Uint8Array;
  readonly #idHeader = new HeaderName("id");
  readonly #printer: RecordPrinter;
  /** How many are printed in the next call. */
  #together = PRINTED_TOGETHER;
  readonly #heads = new Map<number, Uint8Array>();
  #head: Uint8Array = new Uint8Array(0);

  #buffer: TransferBuffer | undefined;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Where the next byte goes. */
  #end = 0;
  #runs: Run[] = [];
  // The run that grows; -1: none.
  #partition = -1;
  #firstOffset = 0;
  #lastOffset = 0;
  #lineCount = 0;
  #start = 0;

  /** `onLines` gets buffers of about `targetBytes` (more where one record needs more); what it gets is its own. */
  constructor(topic: string, targetBytes: number, onLines: (lines: Lines) => void) {
    this.#topic = encoder.encode(`,"topic":${JSON.stringify(topic)}`);
    this.#targetBytes = targetBytes;
    this.#onLines = onLines;
    this.#printer = new RecordPrinter(textsFor(topic), this.#idHeader, PRINTED_TOGETHER);
  }

  /** Hands over the lines of all these records, in their order, before it returns. */
  add(records: Records): void {
    for (let i = 0; i < records.count; ) {
      // What ends the printing, and what begins a buffer, is made by itself.
      i += this.#print(records, i);
      if (i < records.count) this.#make(records, i++);
    }
    this.#finish();
  }

  /** As many lines as can be printed together into the buffer that there is. Returns how many that were. */
  #print(records: Records, first: number): number {
    let count = 0;
    while (this.#buffer !== undefined && records.print !== undefined) {
      const most = this.#together;
      const printed = records.print(this.#printer, first + count, most, this.#buffer, this.#end);
      const kept = this.#keep(printed);
      count += kept;
      // One that is not JSON has spoilt those behind it. Where more are like that, fewer are printed in vain.
      this.#together = kept < printed ? 1 : Math.min(2 * this.#together, PRINTED_TOGETHER);
      if (kept < most) break;
    }
    return count;
  }

  /** Takes what was printed up to the first whose value is not JSON. Returns how many that were. */
  #keep(count: number): number {
    const printer = this.#printer;
    for (let k = 0; k < count; k++) {
      const value = printer.valueStart(k);
      if (value >= 0 && !jsonToOneLine(this.#bytes, value, printer.valueEnd(k))) return k;
      this.#enterRun(printer.partition(k), printer.recordOffset(k));
      this.#end = printer.end(k);
    }
    return count;
  }

  /** One line, whatever its record is like. */
  #make(records: Records, i: number): void {
    const idLength = records.findHeader(i, this.#idHeader);
    const keyLength = records.keyLength(i);
    const valueLength = records.valueLength(i);
    this.#reserve(this.#bound(idLength, keyLength, valueLength), records.count - i);
    this.#enterRun(records.partition(i), records.offset(i));
    let at = this.#put(this.#head, this.#end);
    at = putNumber(this.#bytes, at, this.#lastOffset);
    at = putNumber(this.#bytes, this.#put(TIMESTAMP, at), records.timestampMs(i));
    at = this.#put(this.#topic, at);
    at = this.#putId(records, idLength, at);
    at = this.#putKey(records, i, keyLength, at);
    at = this.#putValue(records, i, valueLength, at);
    this.#bytes[at] = CLOSE;
    this.#bytes[at + 1] = LF;
    this.#end = at + 2;
  }

  /** The most bytes a line can take: every byte of the texts escaped, the value as base64. */
  #bound(idLength: number, keyLength: number, valueLength: number): number {
    const texts = Math.max(0, idLength) + Math.max(0, keyLength);
    return FIXED_BYTES + this.#topic.length + 6 * texts + valueLength + (valueLength >> 1);
  }

  /** Makes room for a record, in a new buffer if need be: no larger than what it and the rest can fill, if they are like it. */
  #reserve(needed: number, records: number): void {
    if (this.#buffer && this.#end + needed <= this.#buffer.size) return;
    this.#finish();
    this.#buffer = new TransferBuffer(Math.max(needed, Math.min(needed * records, this.#targetBytes)));
    this.#bytes = this.#buffer.bytes;
  }

  #enterRun(partition: number, offset: number): void {
    if (partition !== this.#partition || offset <= this.#lastOffset) {
      this.#leaveRun();
      this.#partition = partition;
      this.#firstOffset = offset;
      this.#lineCount = 0;
      this.#start = this.#end;
      this.#head = this.#heads.get(partition) ?? this.#makeHead(partition);
    }
    this.#lastOffset = offset;
    this.#lineCount++;
  }

  #makeHead(partition: number): Uint8Array {
    const head = headBytes(partition);
    this.#heads.set(partition, head);
    return head;
  }

  #leaveRun(): void {
    if (this.#partition < 0) return;
    this.#runs.push({
      partition: this.#partition,
      firstOffset: this.#firstOffset,
      lastOffset: this.#lastOffset,
      lines: this.#lineCount,
      start: this.#start,
      end: this.#end,
    });
    this.#partition = -1;
  }

  #finish(): void {
    if (this.#end === 0) return;
    this.#leaveRun();
    const lines = { bytes: this.#bytes.subarray(0, this.#end), runs: this.#runs };
    // From here on the memory is somebody else's.
    this.#buffer = undefined;
    this.#bytes = new Uint8Array(0);
    this.#runs = [];
    this.#end = 0;
    this.#onLines(lines);
  }

  #put(constant: Uint8Array, at: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < constant.length; i++) bytes[at + i] = constant[i]!;
    return at + constant.length;
  }

  #putId(records: Records, length: number, at: number): number {
    const start = this.#put(ID.asText, at);
    if (length < 0) return this.#put(NULL, start);
    records.copyHeader(this.#buffer!, start + 1);
    return this.#quote(ID, at, start, length);
  }

  #putKey(records: Records, i: number, length: number, at: number): number {
    const start = this.#put(KEY.asText, at);
    if (length < 0) return this.#put(NULL, start);
    records.copyKey(i, this.#buffer!, start + 1);
    return this.#quote(KEY, at, start, length);
  }

  /** Makes a JSON string of the `length` bytes behind `start`; its member, with the name, began at `memberStart`. */
  #quote(name: typeof ID, memberStart: number, start: number, length: number): number {
    const end = start + 1 + length;
    if (isPlainText(this.#bytes, start + 1, end)) {
      this.#bytes[start] = this.#bytes[end] = QUOTE;
      return end + 1;
    }
    const text = this.#bytes.slice(start + 1, end);
    const escapedEnd = writeJsonString(text, this.#bytes, start);
    return escapedEnd >= 0 ? escapedEnd : this.#putBase64(base64(text), this.#put(name.asBase64, memberStart));
  }

  #putValue(records: Records, i: number, length: number, at: number): number {
    const start = this.#put(VALUE.asJson, at);
    if (length < 0) return this.#put(NULL, start);
    records.copyValue(i, this.#buffer!, start);
    if (jsonToOneLine(this.#bytes, start, start + length)) return start + length;
    // The check may have blanked line breaks already: take the bytes afresh.
    records.copyValue(i, this.#buffer!, start);
    const text = base64(this.#bytes.subarray(start, start + length));
    return this.#putBase64(text, this.#put(VALUE.asBase64, at));
  }

  #putBase64(text: string, at: number): number {
    this.#bytes[at] = QUOTE;
    const end = at + 1 + Buffer.from(this.#bytes.buffer).write(text, at + 1, "latin1");
    this.#bytes[end] = QUOTE;
    return end + 1;
  }
}

/** A line in pieces, for those records whose fields need no more than to be copied. */
function textsFor(topic: string): PrintedTexts {
  const id = `,"topic":${JSON.stringify(topic)},"id":`;
  return {
    partition: '{"partition":',
    offset: ',"offset":',
    timestamp: ',"timestamp":',
    header: `${id}"`,
    noHeader: `${id}null`,
    afterHeader: '"',
    key: ',"key":"',
    noKey: ',"key":null',
    afterKey: '"',
    value: ',"value":',
    noValue: ',"value":null',
    end: "}\n",
  };
}

function base64(bytes: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
