/**
 * What a stream of log lines holds: lines, bytes and offsets by partition, and the checksum of it all. Fed piece by piece; holds no more
 * than the longest line's head.
 */
import { crc32c } from "@node-rs/crc32";
import { type LineHead, readLineHead } from "./line-head.ts";
import type { Manifest, PartitionPart } from "./manifest.ts";

export type Content = Pick<Manifest, "lines" | "foreignLines" | "bytes" | "crc32c" | "partitions">;

const LF = 0x0a;
/** A line's head with two numbers of 20 digits is shorter. */
const HEAD_BYTES_MAX = 80;

interface Part {
  firstOffset: number;
  lastOffset: number;
  lines: number;
  bytes: number;
}

export class ContentReader {
  readonly #parts = new Map<number, Part>();
  readonly #head: LineHead = { partition: 0, offset: 0 };
  /** The beginning of a line whose end has not come. */
  readonly #open = new Uint8Array(HEAD_BYTES_MAX);
  #openBytes = 0;
  #openFilled = 0;
  #lines = 0;
  #foreignLines = 0;
  #bytes = 0;
  #crc = 0;

  add(piece: Uint8Array): void {
    this.#crc = crc32c(piece, this.#crc);
    this.#bytes += piece.byteLength;
    let start = 0;
    for (;;) {
      const newline = piece.indexOf(LF, start);
      if (newline < 0) break;
      if (this.#openBytes > 0) this.#endOpen(piece, start, newline);
      else this.#take(piece, start, newline, newline + 1 - start);
      start = newline + 1;
    }
    this.#keep(piece, start, piece.byteLength);
  }

  #keep(piece: Uint8Array, start: number, end: number): void {
    const room = Math.min(HEAD_BYTES_MAX - this.#openFilled, end - start);
    this.#open.set(piece.subarray(start, start + room), this.#openFilled);
    this.#openFilled += room;
    this.#openBytes += end - start;
  }

  #endOpen(piece: Uint8Array, start: number, newline: number): void {
    this.#keep(piece, start, newline);
    this.#take(this.#open, 0, this.#openFilled, this.#openBytes + 1);
    this.#openBytes = this.#openFilled = 0;
  }

  #take(bytes: Uint8Array, start: number, end: number, lineBytes: number): void {
    this.#lines++;
    if (!readLineHead(bytes, start, end, this.#head)) {
      this.#foreignLines++;
      return;
    }
    const { partition, offset } = this.#head;
    const part = this.#parts.get(partition);
    if (part === undefined) {
      this.#parts.set(partition, { firstOffset: offset, lastOffset: offset, lines: 1, bytes: lineBytes });
      return;
    }
    part.firstOffset = Math.min(part.firstOffset, offset);
    part.lastOffset = Math.max(part.lastOffset, offset);
    part.lines++;
    part.bytes += lineBytes;
  }

  /** After the last piece. An unfinished last line counts in `bytes` alone. */
  finish(): Content {
    const partitions: PartitionPart[] = Array.from(this.#parts, ([partition, part]) => ({ partition, ...part }));
    return {
      lines: this.#lines,
      foreignLines: this.#foreignLines,
      bytes: this.#bytes,
      crc32c: this.#crc.toString(16).padStart(8, "0"),
      partitions: partitions.sort((a, b) => a.partition - b.partition),
    };
  }
}
