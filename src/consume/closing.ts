/**
 * What is left to do for a file after it was closed: read it through, write its manifest, compress it, and delete the oldest beyond
 * `keep`. Every step can be cut off and done again: the plain file goes last, when all that stands for it is there.
 */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import type { TopicIdentity } from "./checkpoint.ts";
import { type Compression, closedFiles, SUFFIXES } from "./closed-files.ts";
import { ContentReader } from "./content.ts";
import { syncFolder } from "./log-file.ts";
import { manifestPath, unfinished, writeManifest } from "./manifest.ts";

export interface ClosingOptions {
  readonly logFile: string;
  readonly identity: TopicIdentity;
  readonly compression: Compression | null;
  /** Closed files to keep; undefined: all. */
  readonly keep: number | undefined;
  readonly isSynced: boolean;
}

const PIECE_BYTES = 1024 * 1024;

/**
 * Deletes what is too much, then finishes every file that is left, oldest first. Returns the files it finished and deleted. One that
 * cannot be finished does not keep the others; at the end it is thrown.
 */
export async function finishClosing(options: ClosingOptions): Promise<{ finished: string[]; deleted: string[] }> {
  const finished: string[] = [];
  // First, and not only when all is finished: on a full disk nothing else gives room.
  const deleted = options.keep === undefined ? [] : deleteOldest(options.logFile, options.keep);
  const failures: string[] = [];
  for (const { path } of unfinished(options.logFile)) {
    try {
      finished.push(await finish(path, options));
    } catch (cause) {
      failures.push(`${path}: ${(cause as Error).message}`);
    }
  }
  if (options.isSynced && finished.length + deleted.length > 0) syncFolder(dirname(options.logFile));
  if (failures.length > 0) throw new Error(failures.join("; "));
  return { finished, deleted };
}

async function finish(path: string, { identity, compression, isSynced }: ClosingOptions): Promise<string> {
  const content = new ContentReader();
  const final = compression === null ? path : `${path}${SUFFIXES[compression]}`;
  const temporary = `${final}.new`;
  const source = createReadStream(path, { highWaterMark: PIECE_BYTES });
  const reader = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      content.add(piece);
      done(null, compression === null ? undefined : piece);
    },
  });
  if (compression === null) {
    reader.resume();
    await pipeline(source, reader);
  } else {
    const compress = compression === "gzip" ? createGzip() : createZstdCompress();
    try {
      await pipeline(source, reader, compress, createWriteStream(temporary));
      if (isSynced) syncFile(temporary);
      renameSync(temporary, final);
    } catch (cause) {
      rmSync(temporary, { force: true });
      throw cause;
    }
  }
  const { birthtimeMs, mtimeMs } = statSync(path);
  writeManifest(
    final,
    {
      file: final,
      identity,
      openedAtMs: Math.round(Math.min(birthtimeMs || mtimeMs, mtimeMs)),
      closedAtMs: Math.round(mtimeMs),
      ...content.finish(),
      compression,
      compressedBytes: compression === null ? null : statSync(final).size,
    },
    isSynced,
  );
  removeLeftovers(path, final);
  if (final !== path) {
    // Both names and the content behind them, before the only other copy goes.
    if (isSynced) syncFolder(dirname(path));
    rmSync(path);
  }
  return final;
}

/** Of a try that was cut off while another compression was asked for: once the plain file is gone they would count as closed files. */
function removeLeftovers(path: string, final: string): void {
  for (const suffix of Object.values(SUFFIXES)) {
    const other = path + suffix;
    rmSync(`${other}.new`, { force: true });
    if (other === final) continue;
    rmSync(other, { force: true });
    rmSync(manifestPath(other), { force: true });
  }
}

function deleteOldest(logFile: string, keep: number): string[] {
  const all = closedFiles(logFile);
  const old = all.slice(0, Math.max(0, all.length - keep)).map(({ path }) => path);
  for (const path of old) {
    // The manifest first: where it ends in between, the file is still known as one that is too much.
    rmSync(manifestPath(path), { force: true });
    rmSync(path, { force: true });
  }
  return old;
}

function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
