/**
 * The files of a log: the live one at its path, and closed ones beside it, named `<log file>.<UTC time of closing>-<sequence>`, with
 * `.gz` or `.zst` behind where they are compressed. The sequence only grows, so names sort by age whatever the clock does.
 */
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export type Compression = "gzip" | "zstd";

export const SUFFIXES: Readonly<Record<Compression, string>> = { gzip: ".gz", zstd: ".zst" };
const SEQUENCE_DIGITS = 6;
/** Behind the live file's name. */
export const CLOSED = /^\.\d{8}T\d{6}Z-(\d{6,15})(\.gz|\.zst)?$/;

export interface ClosedFile {
  readonly path: string;
  readonly sequence: number;
  readonly compression: Compression | null;
}

export function closedPath(logFile: string, sequence: number, nowMs: number): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return `${logFile}.${time}-${String(sequence).padStart(SEQUENCE_DIGITS, "0")}`;
}

/** Oldest first. Where a compressed file and its plain one are both there, the compressing was cut off: only the plain one counts. */
export function closedFiles(logFile: string): ClosedFile[] {
  const folder = dirname(logFile);
  const base = basename(logFile);
  const bySequence = new Map<number, ClosedFile>();
  for (const name of readdirSync(folder).sort()) {
    const match = name.startsWith(base) ? CLOSED.exec(name.slice(base.length)) : null;
    if (!match) continue;
    const sequence = Number(match[1]);
    const compression = match[2] === ".gz" ? "gzip" : match[2] === ".zst" ? "zstd" : null;
    if (compression !== null && bySequence.get(sequence)?.compression === null) continue;
    bySequence.set(sequence, { path: join(folder, name), sequence, compression });
  }
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}
