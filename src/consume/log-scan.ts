/** Reads a log file from a position to its end, in pieces: what it holds, and where its last whole line ends. Changes nothing. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isJson } from "../json/index.ts";
import { type LineHead, mayBeginLog, readLineHead } from "./line-head.ts";

export interface LogScan {
  /** The last offset of each partition in what was read. */
  readonly offsets: Map<number, number>;
  lines: number;
  /** Whole lines that are not ours. */
  foreignLines: number;
  /** What comes behind is torn: an unfinished line, or a last line that is not JSON, whoever wrote it. */
  validBytes: number;
  fileBytes: number;
}

const LF = 0x0a;
const PIECE_BYTES = 1024 * 1024;

/** `from` must be where a line begins. */
export function scanLog(path: string, from: number, pieceBytes = PIECE_BYTES): LogScan {
  const fd = openSync(path, "r");
  try {
    return new Scanner(fd, from, pieceBytes).run();
  } finally {
    closeSync(fd);
  }
}

/** Whether a line of a log file ends (or the file begins) at `position`. */
export function isLineStart(path: string, position: number): boolean {
  return position === 0 || readPiece(path, position - 1, 1)[0] === LF;
}

/** Whether this can be a log file of ours, also an empty one. */
export function looksLikeLog(path: string): boolean {
  return mayBeginLog(readPiece(path, 0, 64));
}

/** Without its end; undefined where there is none that ends within a megabyte. */
export function firstLine(path: string): string | undefined {
  const piece = readPiece(path, 0, PIECE_BYTES);
  const end = piece.indexOf(LF);
  return end < 0 ? undefined : new TextDecoder().decode(piece.subarray(0, end));
}

function readPiece(path: string, position: number, length: number): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
  } finally {
    closeSync(fd);
  }
}

class Scanner {
  readonly #fd: number;
  readonly #scan: LogScan;
  #buffer: Uint8Array;
  /** Where in the file the buffer begins, and how much of it is filled. */
  #position: number;
  #filled = 0;
  readonly #head: LineHead = { partition: 0, offset: 0 };
  // The line before: it counts once another follows, or once it has proved to be JSON.
  #lastStart = -1;
  #lastEnd = -1;
  readonly #lastHead: LineHead = { partition: 0, offset: 0 };
  #lastIsOurs = false;

  constructor(fd: number, from: number, pieceBytes: number) {
    this.#fd = fd;
    this.#position = from;
    this.#buffer = new Uint8Array(pieceBytes);
    this.#scan = { offsets: new Map(), lines: 0, foreignLines: 0, validBytes: from, fileBytes: fstatSync(fd).size };
  }

  run(): LogScan {
    while (this.#fill()) this.#takeLines();
    if (this.#lastStart >= 0) {
      if (this.#isLastWhole()) this.#count();
      else this.#scan.validBytes = this.#lastStart;
    }
    return this.#scan;
  }

  /** Reads on behind what is left in the buffer, which grows where a line is longer than it. False at the file's end. */
  #fill(): boolean {
    if (this.#filled === this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const free = this.#buffer.length - this.#filled;
    const read = readSync(this.#fd, this.#buffer, this.#filled, free, this.#position + this.#filled);
    this.#filled += read;
    return read > 0;
  }

  #takeLines(): void {
    const filled = this.#buffer.subarray(0, this.#filled);
    let start = 0;
    for (;;) {
      const newline = filled.indexOf(LF, start);
      if (newline < 0) break;
      if (this.#lastStart >= 0) this.#count();
      this.#lastIsOurs = readLineHead(filled, start, newline, this.#head);
      this.#lastHead.partition = this.#head.partition;
      this.#lastHead.offset = this.#head.offset;
      this.#lastStart = this.#position + start;
      this.#lastEnd = this.#scan.validBytes = this.#position + newline + 1;
      start = newline + 1;
    }
    this.#buffer.copyWithin(0, start, this.#filled);
    this.#position += start;
    this.#filled -= start;
  }

  #count(): void {
    this.#scan.lines++;
    if (!this.#lastIsOurs) this.#scan.foreignLines++;
    else
      this.#scan.offsets.set(
        this.#lastHead.partition,
        Math.max(this.#lastHead.offset, this.#scan.offsets.get(this.#lastHead.partition) ?? -1),
      );
  }

  #isLastWhole(): boolean {
    const bytes = new Uint8Array(this.#lastEnd - this.#lastStart);
    const read = readSync(this.#fd, bytes, 0, bytes.length, this.#lastStart);
    return isJson(bytes, 0, read);
  }
}
