/** The files of a log in the order in which they were written, and their content piece by piece, whatever they are compressed with. */
import { closeSync, createReadStream, existsSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { Transform } from "node:stream";
import { createGunzip, createZstdDecompress, zstdCompressSync } from "node:zlib";
import { type Compression, closedFiles } from "../consume/index.ts";

export interface LogPart {
  readonly path: string;
  readonly name: string;
  readonly isLive: boolean;
  readonly compression: Compression | null;
  /** Of the file as it was at the start: one that grows is read up to there. */
  readonly fileBytes: number;
}

const PIECE_BYTES = 1024 * 1024;

/** Closed files, oldest first, then the live one. */
export function partsOf(logFile: string): LogPart[] {
  const closed = closedFiles(logFile).map(({ path, compression }) => ({ path, isLive: false, compression }));
  const live = existsSync(logFile) ? [{ path: logFile, isLive: true, compression: null }] : [];
  return [...closed, ...live].map((part) => ({
    ...part,
    name: basename(part.path),
    fileBytes: statSync(part.path).size,
  }));
}

/** Throws where the content cannot be got out of the file. */
export async function* contentOf({ path, compression, fileBytes }: LogPart): AsyncGenerator<Uint8Array> {
  if (fileBytes === 0) return;
  const source = createReadStream(path, { highWaterMark: PIECE_BYTES, end: fileBytes - 1 });
  if (compression === null) yield* source as AsyncIterable<Uint8Array>;
  else if (compression === "gzip") yield* through(source, createGunzip());
  else yield* wholeZstd(source);
}

async function* through(source: ReturnType<typeof createReadStream>, decoder: Transform): AsyncGenerator<Uint8Array> {
  source.on("error", (cause) => decoder.destroy(cause));
  source.pipe(decoder);
  yield* decoder as AsyncIterable<Uint8Array>;
}

/** Bun takes a zstd stream that was cut off for whole. So a frame of our own goes behind it: it comes out only where all was whole. */
async function* wholeZstd(source: ReturnType<typeof createReadStream>): AsyncGenerator<Uint8Array> {
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

/** The last byte of a file that is not compressed; undefined for an empty one. */
export function lastByteOf(path: string, fileBytes: number): number | undefined {
  if (fileBytes === 0) return undefined;
  const fd = openSync(path, "r");
  try {
    const byte = new Uint8Array(1);
    readSync(fd, byte, 0, 1, fileBytes - 1);
    return byte[0];
  } finally {
    closeSync(fd);
  }
}
