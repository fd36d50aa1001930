/** Reads the growing log file and counts which of the expected events are in it, and how often. */
import { closeSync, openSync, readSync, statSync } from "node:fs";

const CHUNK_BYTES = 1024 * 1024;

export class LogWatch {
  readonly #path: string;
  readonly #missing: Set<string>;
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #position = 0;
  #rest = "";
  #lines = 0;
  #duplicates = 0;

  constructor(path: string, expectedIds: Iterable<string>) {
    this.#path = path;
    this.#missing = new Set(expectedIds);
    this.#expected = new Set(this.#missing);
  }

  readonly #expected: Set<string>;

  /** Expected events whose line has not been seen. */
  get missing(): number {
    return this.#missing.size;
  }

  /** Lines of expected events beyond the first. */
  get duplicates(): number {
    return this.#duplicates;
  }

  get lines(): number {
    return this.#lines;
  }

  /** When the file was last written, in ms since 1970. */
  get lastWriteUnixMs(): number {
    return statSync(this.#path).mtimeMs;
  }

  /** Reads what has come since the last time. */
  read(): void {
    let fd: number;
    try {
      fd = openSync(this.#path, "r");
    } catch {
      // The consumer has not made it yet.
      return;
    }
    try {
      for (;;) {
        const count = readSync(fd, this.#buffer, 0, CHUNK_BYTES, this.#position);
        if (count === 0) return;
        this.#position += count;
        // Ids are ASCII: a character cut in two at a chunk's edge is never part of one.
        this.#take(this.#rest + this.#buffer.toString("latin1", 0, count));
      }
    } finally {
      closeSync(fd);
    }
  }

  #take(text: string): void {
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#lines++;
      const id = /"id":"([^"\\]+)"/.exec(line)?.[1];
      if (id === undefined || !this.#expected.has(id)) continue;
      if (!this.#missing.delete(id)) this.#duplicates++;
    }
  }
}
