/** Looks at every line of the log once, in the order of the files: whose it is, whether it is whole, and where its record stands. */
import { type Content, ContentReader, type LineHead, readLineHead } from "../consume/index.ts";
import { isJson } from "../json/index.ts";
import { Blocks } from "./blocks.ts";
import { contentOf, type LogPart } from "./files.ts";
import type { Findings } from "./findings.ts";
import { Intervals } from "./intervals.ts";

const LF = 0x0a;
/** No record that Kafka takes makes a longer line: what has no end, as a block of NULs, must not fill the memory. */
const LINE_BYTES_MAX = 256_000_000;

export interface LinePlace {
  readonly file: string;
  readonly line: number;
  readonly byte: number;
}

export interface PartitionState {
  readonly offsets: Intervals;
  lines: number;
  bytes: number;
  duplicated: number;
  outOfOrder: number;
  damaged: number;
  /** The highest so far. */
  last: number;
}

export class LogCheck {
  readonly #findings: Findings;
  readonly partitions = new Map<number, PartitionState>();
  readonly blocks = new Blocks();
  /** Told of every line that is whole; for a second reading. */
  readonly #onLine: ((head: LineHead, line: Uint8Array, place: LinePlace) => void) | undefined;
  readonly #head: LineHead = { partition: 0, offset: 0 };
  lines = 0;

  constructor(findings: Findings, onLine?: (head: LineHead, line: Uint8Array, place: LinePlace) => void) {
    this.#findings = findings;
    this.#onLine = onLine;
  }

  /** Returns what the file holds, and how much of it stands behind the last line's end; or nothing where it cannot be read. */
  async read(part: LogPart): Promise<{ content: Content; tailBytes: number } | undefined> {
    const content = new ContentReader();
    const splitter = new Splitter((line, number, byte) => this.#take(part, line, number, byte));
    try {
      for await (const piece of contentOf(part)) {
        content.add(piece);
        splitter.add(piece);
      }
    } catch (cause) {
      this.#findings.add({ kind: "file", file: part.name, detail: (cause as Error).message });
      return undefined;
    }
    return { content: content.finish(), tailBytes: splitter.openBytes };
  }

  #take({ name: file }: LogPart, line: Uint8Array | undefined, number: number, byte: number): void {
    this.lines++;
    if (line === undefined) {
      const detail = `a line of more than ${LINE_BYTES_MAX} bytes`;
      this.#findings.add({ file, line: number, byte, kind: "damaged", detail });
      return;
    }
    const isOurs = readLineHead(line, 0, line.length, this.#head);
    const isWhole = isJson(line, 0, line.length);
    const place = { file, line: number, byte };
    if (!isOurs) {
      const kind = isWhole ? "foreign" : "damaged";
      this.#findings.add({
        ...place,
        kind,
        detail: isWhole ? "not a line of consume" : "not a line of consume, and not JSON",
      });
      return;
    }
    const { partition, offset } = this.#head;
    const state = this.#stateOf(partition);
    state.lines++;
    state.bytes += line.length + 1;
    if (!isWhole) {
      state.damaged++;
      this.#findings.add({
        ...place,
        kind: "damaged",
        partition,
        offsets: { first: offset, last: offset },
        detail: "not JSON",
      });
    }
    const isNew = state.offsets.add(offset);
    const stretch = { first: offset, last: offset };
    if (!isNew) {
      state.duplicated++;
      this.#findings.add({
        ...place,
        kind: "duplicated",
        partition,
        offsets: stretch,
        detail: "its record has a line before",
      });
    } else if (offset < state.last) {
      state.outOfOrder++;
      this.#findings.add({
        ...place,
        kind: "out_of_order",
        partition,
        offsets: stretch,
        detail: `behind offset ${state.last}`,
      });
    }
    state.last = Math.max(state.last, offset);
    if (!isNew || !isWhole) return;
    this.blocks.add(partition, offset, line);
    this.#onLine?.(this.#head, line, place);
  }

  #stateOf(partition: number): PartitionState {
    const known = this.partitions.get(partition);
    if (known) return known;
    const fresh = { offsets: new Intervals(), lines: 0, bytes: 0, duplicated: 0, outOfOrder: 0, damaged: 0, last: -1 };
    this.partitions.set(partition, fresh);
    return fresh;
  }
}

/** Lines out of pieces. A line that lies in one piece is a view of it; one that is too long for any record is not kept, and is undefined. */
class Splitter {
  readonly #onLine: (line: Uint8Array | undefined, number: number, byte: number) => void;
  #open: Uint8Array[] = [];
  openBytes = 0;
  #number = 1;
  #byte = 0;

  constructor(onLine: (line: Uint8Array | undefined, number: number, byte: number) => void) {
    this.#onLine = onLine;
  }

  add(piece: Uint8Array): void {
    let start = 0;
    for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, start)) {
      this.#emit(piece.subarray(start, end));
      start = end + 1;
    }
    if (start === piece.length) return;
    this.openBytes += piece.length - start;
    // The next piece may come in the same memory.
    if (this.openBytes <= LINE_BYTES_MAX) this.#open.push(piece.slice(start));
    else this.#open = [];
  }

  #emit(rest: Uint8Array): void {
    const bytes = this.openBytes + rest.length;
    const line = this.#open.length > 0 ? Buffer.concat([...this.#open, rest]) : rest;
    this.#onLine(bytes > LINE_BYTES_MAX ? undefined : line, this.#number++, this.#byte);
    this.#byte += bytes + 1;
    this.#open = [];
    this.openBytes = 0;
  }
}
