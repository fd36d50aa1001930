/**
 * The log file on disk, appended to by its one owner. Its promise: after `append` it is longer by exactly those bytes; after a
 * failed one it is as long as before, at the latest when the next `append` begins to write.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, realpathSync, statSync } from "node:fs";

/** The log file cannot be used: the command ends with this sentence. */
export class LogFileError extends Error {
  override readonly name = "LogFileError";
}

/** The real path of the log file, which is created where there is none. Throws `LogFileError`. */
export function prepareLogFile(path: string): string {
  try {
    // Not blocking: a named pipe would wait for a reader.
    closeSync(
      openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o644),
    );
  } catch (cause) {
    throw new LogFileError(`cannot open the log file ${path}: ${(cause as Error).message}`);
  }
  const real = realpathSync(path);
  if (!statSync(real).isFile()) throw new LogFileError(`the log file ${path} must be a regular file`);
  return real;
}

/** Resolves to how many bytes were written; rejects where none, or an unknown part, were. Never called with no bytes. */
export type WriteBytes = (fd: number, bytes: Uint8Array) => Promise<number>;

/**
 * What one `Bun.write` is given at the most. Below 256 KiB it is a plain write(2). From there on Bun 1.4.5 first reserves the length
 * with fallocate(fd, 0, 0, length), and where the file was shorter than that, an append lands behind a block of NULs
 * (oven-sh/bun#41685). And with no bytes at all it truncates the file. `log-file.test.ts` pins both.
 */
export const WRITE_BYTES_MAX = 256_000;
/** Pieces below this are put together first: a call costs more than the copy. */
const SMALL_PIECE_BYTES = 32_768;

const bunWrite: WriteBytes = (fd, bytes) => Bun.write(Bun.file(fd), bytes);

export class LogFile {
  readonly #fd: number;
  readonly #write: WriteBytes;
  readonly #together = new Uint8Array(WRITE_BYTES_MAX);
  #lengthBytes: number;
  #isTorn = false;

  /** Creates the file where there is none. `write` is another one in tests only. */
  constructor(path: string, write = bunWrite) {
    this.#fd = openSync(path, "a");
    this.#write = write;
    this.#lengthBytes = fstatSync(this.#fd).size;
  }

  /** Everything up to here was written as a whole. */
  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Appends all the pieces, in their order, or throws. One at a time. */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    this.#restore();
    this.#isTorn = true;
    try {
      const written = await this.#writePieces(pieces);
      this.#lengthBytes += written;
      this.#isTorn = false;
    } catch (cause) {
      this.#tryRestore();
      throw cause;
    }
  }

  async #writePieces(pieces: readonly Uint8Array[]): Promise<number> {
    let total = 0;
    let collected = 0;
    for (const piece of pieces) {
      total += piece.length;
      if (collected > 0 && (piece.length >= SMALL_PIECE_BYTES || collected + piece.length > WRITE_BYTES_MAX)) {
        await this.#writeAll(this.#together.subarray(0, collected));
        collected = 0;
      }
      if (piece.length >= SMALL_PIECE_BYTES) {
        for (let at = 0; at < piece.length; at += WRITE_BYTES_MAX)
          await this.#writeAll(piece.subarray(at, at + WRITE_BYTES_MAX));
      } else {
        this.#together.set(piece, collected);
        collected += piece.length;
      }
    }
    await this.#writeAll(this.#together.subarray(0, collected));
    return total;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const written = await this.#write(this.#fd, bytes);
    if (written !== bytes.length) throw new Error(`a short write: ${written} of ${bytes.length} bytes`);
  }

  #restore(): void {
    if (!this.#isTorn) return;
    // Never longer: should somebody else have cut the file, growing it back would make a hole of NULs.
    this.#lengthBytes = Math.min(this.#lengthBytes, fstatSync(this.#fd).size);
    ftruncateSync(this.#fd, this.#lengthBytes);
    this.#isTorn = false;
  }

  #tryRestore(): void {
    try {
      this.#restore();
    } catch {
      // The next append begins with it.
    }
  }

  close(): void {
    this.#tryRestore();
    closeSync(this.#fd);
  }
}
