/**
 * The log file on disk, appended to by its one owner. Its promise: after `append` it is longer by exactly those bytes; after a
 * failed one it is as long as before, at the latest when the next `append` begins to write.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { promisify } from "node:util";

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

/** Which file it is, whatever it is called. */
export interface FileId {
  readonly device: number;
  readonly inode: number;
}

const fdatasyncAsync = promisify(fdatasync);

/** A new name, or a new file's, reaches the disk with its folder. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
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

const LF = 0x0a;
const LINE_BREAK = new Uint8Array([LF]);

const bunWrite: WriteBytes = (fd, bytes) => Bun.write(Bun.file(fd), bytes);

export class LogFile {
  readonly #fd: number;
  readonly #write: WriteBytes;
  readonly #fdatasync: (fd: number) => Promise<void>;
  readonly #together = new Uint8Array(WRITE_BYTES_MAX);
  readonly id: FileId;
  /** When the file was made, ms since 1970. */
  readonly begunMs: number;
  #syncedBytes: number;
  #lengthBytes: number;
  #isTorn = false;
  /** Somebody else changed the length: a line may be cut off in its middle. */
  #isEndInDoubt = false;
  #syncs = 0;
  #syncFailure: Error | undefined;
  #isClosing = false;

  /** Creates the file where there is none. `write` and `sync` are others in tests only. */
  constructor(path: string, write = bunWrite, sync = fdatasyncAsync) {
    // For reading, too: the last byte may have to be looked at.
    this.#fd = openSync(path, "a+");
    this.#write = write;
    this.#fdatasync = sync;
    const { size, dev, ino, birthtimeMs, mtimeMs } = fstatSync(this.#fd);
    this.#lengthBytes = this.#syncedBytes = size;
    this.begunMs = birthtimeMs || mtimeMs;
    this.id = { device: dev, inode: ino };
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
      // A line never goes on where somebody cut another.
      const written = await this.#writePieces(this.#endsWithinLine() ? [LINE_BREAK, ...pieces] : pieces);
      this.#lengthBytes += written;
      this.#isTorn = this.#isEndInDoubt = false;
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

  #endsWithinLine(): boolean {
    if (!this.#isEndInDoubt || this.#lengthBytes === 0) return false;
    const last = new Uint8Array(1);
    return readSync(this.#fd, last, 0, 1, this.#lengthBytes - 1) === 1 && last[0] !== LF;
  }

  /**
   * Resolves when everything that was appended is on the disk. After one that failed no other succeeds, whoever asks: the system may
   * have dropped what it could not write, and calls the next sync a success.
   */
  async sync(): Promise<void> {
    if (this.#syncFailure) throw this.#syncFailure;
    this.#syncs++;
    const lengthBytes = this.#lengthBytes;
    try {
      await this.#fdatasync(this.#fd);
      if (this.#syncFailure) throw this.#syncFailure;
      this.#syncedBytes = Math.max(this.#syncedBytes, lengthBytes);
    } catch (cause) {
      throw this.#noteFailedSync(cause);
    } finally {
      this.#syncs--;
      if (this.#isClosing && this.#syncs === 0) closeSync(this.#fd);
    }
  }

  /** The same, at once. */
  syncNow(): void {
    if (this.#syncFailure) throw this.#syncFailure;
    try {
      fdatasyncSync(this.#fd);
    } catch (cause) {
      throw this.#noteFailedSync(cause);
    }
    this.#syncedBytes = this.#lengthBytes;
  }

  #noteFailedSync(cause: unknown): Error {
    this.#syncFailure ??= cause instanceof Error ? cause : new Error(String(cause));
    return this.#syncFailure;
  }

  /** Back to the last length that is known to be on the disk. */
  cutToSynced(): void {
    this.#lengthBytes = Math.min(this.#lengthBytes, this.#syncedBytes);
    ftruncateSync(this.#fd, this.#lengthBytes);
  }

  /** Whether this is the file that the path leads to. */
  isAt(path: string): boolean {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && found.ino === this.id.inode && found.dev === this.id.device;
  }

  /** Takes the file's length as it is now. Returns by how many bytes somebody else made it longer, or (below 0) shorter. */
  checkLength(): number {
    if (this.#isTorn) return 0;
    const { size } = fstatSync(this.#fd);
    const change = size - this.#lengthBytes;
    this.#lengthBytes = size;
    if (change !== 0) this.#isEndInDoubt = true;
    return change;
  }

  #restore(): void {
    if (!this.#isTorn) return;
    // Never longer: should somebody else have cut the file, growing it back would make a hole of NULs.
    const { size } = fstatSync(this.#fd);
    if (size < this.#lengthBytes) this.#isEndInDoubt = true;
    this.#lengthBytes = Math.min(this.#lengthBytes, size);
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

  /** Nothing must be appending. A sync that is under way ends first. */
  close(): void {
    this.#tryRestore();
    this.#isClosing = true;
    if (this.#syncs === 0) closeSync(this.#fd);
  }
}
