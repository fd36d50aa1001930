/** The files of a log in the order in which they were written, and their content piece by piece, whatever they are compressed with. */
import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { Readable, Transform } from "node:stream";
import { createGunzip, createZstdDecompress, zstdCompressSync } from "node:zlib";
import { type ClosedFile, type Compression, closedFiles, type FileId, unfinished } from "../consume/index.ts";

export interface LogPart {
  readonly path: string;
  readonly name: string;
  readonly isLive: boolean;
  /** Of a closed file. */
  readonly sequence: number | undefined;
  readonly compression: Compression | null;
  /** Of the file as it was at the start: one that grows is read up to there. */
  readonly fileBytes: number;
  readonly id: FileId;
  /** Open where a consume that runs may rename or remove the file: it is read all the same. */
  readonly handle: FileHandle | undefined;
}

const PIECE_BYTES = 1024 * 1024;
/** How often the folder is looked at again because it changed in between. */
const LOOKS_MAX = 100;

/** Closed files, oldest first, then the live one: as they stood at one moment, also where consume goes on. To be given to `closeParts`. */
export async function openParts(logFile: string): Promise<LogPart[]> {
  for (let look = 1; ; look++) {
    const parts: LogPart[] = [];
    try {
      const live = await openPart({ path: logFile, compression: null }).catch(ignoreAbsence);
      if (live) parts.push(live);
      const waiting = new Set(unfinished(logFile).map(({ path }) => path));
      const closed: LogPart[] = [];
      for (const file of closedFiles(logFile)) {
        const part = waiting.has(file.path) ? await openPart(file) : partOf(file);
        closed.push(part);
        if (part.handle) parts.push(part);
      }
      if (live === undefined || isStillAt(live)) return [...closed, ...(live ? [live] : [])];
    } catch (cause) {
      await closeParts(parts);
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT" || look === LOOKS_MAX) throw cause;
      continue;
    }
    await closeParts(parts);
    if (look === LOOKS_MAX) throw new Error(`the files of ${logFile} change faster than they can be looked at`);
  }
}

export async function closeParts(parts: readonly LogPart[]): Promise<void> {
  for (const { handle } of parts) await handle?.close();
}

function ignoreAbsence(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== "ENOENT") throw cause;
}

function isStillAt({ path, id }: LogPart): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.ino === id.inode && found.dev === id.device;
}

type File = Pick<ClosedFile, "path" | "compression"> & Partial<ClosedFile>;

function partOf(
  { path, compression, sequence }: File,
  found = statSync(path),
  handle: FileHandle | undefined = undefined,
): LogPart {
  const id = { device: found.dev, inode: found.ino };
  const isLive = sequence === undefined;
  return { path, name: basename(path), isLive, sequence, compression, fileBytes: found.size, id, handle };
}

async function openPart(file: File): Promise<LogPart> {
  const handle = await open(file.path, "r");
  try {
    return partOf(file, await handle.stat(), handle);
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** Throws where the content cannot be got out of the file. */
export async function* contentOf(part: LogPart): AsyncGenerator<Uint8Array> {
  if (part.fileBytes === 0) return;
  if (part.compression === null) yield* piecesOf(part);
  else if (part.compression === "gzip") yield* through(Readable.from(piecesOf(part)), createGunzip());
  else yield* wholeZstd(Readable.from(piecesOf(part)));
}

async function* piecesOf({ path, handle, fileBytes }: LogPart): AsyncGenerator<Uint8Array> {
  const file = handle ?? (await open(path, "r"));
  try {
    for (let at = 0; at < fileBytes; ) {
      const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, fileBytes - at));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      // Somebody has cut it meanwhile.
      if (bytesRead === 0) return;
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    if (handle === undefined) await file.close();
  }
}

async function* through(source: Readable, decoder: Transform): AsyncGenerator<Uint8Array> {
  source.on("error", (cause) => decoder.destroy(cause));
  source.pipe(decoder);
  yield* decoder as AsyncIterable<Uint8Array>;
}

/** Bun takes a zstd stream that was cut off for whole. So a frame of our own goes behind it: it comes out only where all was whole. */
async function* wholeZstd(source: Readable): AsyncGenerator<Uint8Array> {
  const mark = crypto.getRandomValues(new Uint8Array(16));
  const withMark = new Transform({
    transform: (piece, _encoding, done) => done(null, piece),
    flush: (done) => done(null, zstdCompressSync(mark)),
  });
  source.on("error", (cause) => withMark.destroy(cause));
  const decoder = createZstdDecompress();
  withMark.on("error", (cause) => decoder.destroy(cause));
  source.pipe(withMark).pipe(decoder);
  // The last bytes are held back until it is known that more come.
  let held = Buffer.alloc(0);
  for await (const piece of decoder as AsyncIterable<Uint8Array>) {
    const all = Buffer.concat([held, piece]);
    const end = Math.max(0, all.length - mark.length);
    if (end > 0) yield all.subarray(0, end);
    held = all.subarray(end);
  }
  if (!held.equals(mark)) throw new Error("the zstd stream was cut off");
}

/** The byte before `end` of a file that is not compressed; undefined where there is none. */
export async function byteBefore({ handle }: LogPart, end: number): Promise<number | undefined> {
  const byte = Buffer.alloc(1);
  const { bytesRead } = (await handle?.read(byte, 0, 1, end - 1)) ?? { bytesRead: 0 };
  return bytesRead === 1 ? byte[0] : undefined;
}
