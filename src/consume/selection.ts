/** Which lines of the buffers that wait are to be written: of each partition those past its last written offset. Pure. */
import { type LineHead, readLineHead } from "./line-head.ts";
import type { Lines, Run } from "./worker-messages.ts";

const LF = 0x0a;

export class Selection {
  /** Views of the buffers, to be written in this order. */
  readonly pieces: Uint8Array[] = [];
  /** The last offset of each partition that is among the pieces. */
  readonly offsets = new Map<number, number>();
  lines = 0;
  bytes = 0;
  suppressedLines = 0;
  readonly #written: ReadonlyMap<number, number>;

  /** `written`: the last offset of each partition that is in the file. */
  constructor(written: ReadonlyMap<number, number>) {
    this.#written = written;
  }

  add({ bytes, runs }: Lines): void {
    // Runs that lie behind each other become one piece.
    let [start, end] = [0, 0];
    for (const run of runs) {
      const keptFrom = this.#select(bytes, run);
      if (keptFrom === run.end) continue;
      if (keptFrom !== end) {
        this.#addPiece(bytes, start, end);
        start = keptFrom;
      }
      end = run.end;
    }
    this.#addPiece(bytes, start, end);
  }

  /** Where the lines of this run begin that are to be written; its end where there are none. */
  #select(bytes: Uint8Array, run: Run): number {
    const last = this.offsets.get(run.partition) ?? this.#written.get(run.partition) ?? -1;
    if (run.lastOffset <= last) {
      this.suppressedLines += run.lines;
      return run.end;
    }
    this.offsets.set(run.partition, run.lastOffset);
    this.lines += run.lines;
    return run.firstOffset > last ? run.start : this.#skipUpTo(last, bytes, run);
  }

  #skipUpTo(last: number, bytes: Uint8Array, run: Run): number {
    const head: LineHead = { partition: 0, offset: 0 };
    let at = run.start;
    while (readLineHead(bytes, at, run.end, head) && head.offset <= last) {
      at = bytes.indexOf(LF, at) + 1;
      this.lines--;
      this.suppressedLines++;
    }
    return at;
  }

  #addPiece(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.pieces.push(bytes.subarray(start, end));
    this.bytes += end - start;
  }
}
