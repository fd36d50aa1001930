/**
 * The manifest beside a closed file: one line of JSON that says what the file holds, so that damage can be told from what was never
 * there. `bytes` and `crc32c` are of the content before compression.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { TopicIdentity } from "./checkpoint.ts";
import { CLOSED, type ClosedFile, type Compression, closedFiles } from "./closed-files.ts";

export interface PartitionPart {
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lines: number;
  readonly bytes: number;
}

export interface Manifest {
  /** The file's name, without its folder. */
  readonly file: string;
  readonly identity: TopicIdentity;
  readonly openedAtMs: number;
  readonly closedAtMs: number;
  readonly lines: number;
  /** Whole lines that are not ours. */
  readonly foreignLines: number;
  readonly bytes: number;
  /** CRC-32C (RFC 3720, B.4), 8 hexadecimal digits. */
  readonly crc32c: string;
  readonly compression: Compression | null;
  /** Null without compression. */
  readonly compressedBytes: number | null;
  /** By partition, ascending. */
  readonly partitions: readonly PartitionPart[];
}

const VERSION = 1;
const SUFFIX = ".manifest.json";

export function manifestPath(closedFile: string): string {
  return `${closedFile}${SUFFIX}`;
}

/** Replaced as a whole. With `isSynced` its content is on the disk when this returns. */
export function writeManifest(closedFile: string, manifest: Manifest, isSynced: boolean): void {
  const path = manifestPath(closedFile);
  const text = JSON.stringify({
    version: VERSION,
    file: basename(closedFile),
    cluster_id: manifest.identity.clusterId,
    topic: manifest.identity.topic,
    topic_id: manifest.identity.topicId,
    opened_at_ms: manifest.openedAtMs,
    closed_at_ms: manifest.closedAtMs,
    lines: manifest.lines,
    foreign_lines: manifest.foreignLines,
    bytes: manifest.bytes,
    crc32c: manifest.crc32c,
    compression: manifest.compression,
    compressed_bytes: manifest.compressedBytes,
    partitions: manifest.partitions.map(({ partition, firstOffset, lastOffset, lines, bytes }) => ({
      partition,
      first_offset: firstOffset,
      last_offset: lastOffset,
      lines,
      bytes,
    })),
  });
  writeFileSync(`${path}.new`, `${text}\n`, { flush: isSynced });
  renameSync(`${path}.new`, path);
}

/** Undefined where there is none; a sentence where there is one that cannot be used. */
export function readManifest(closedFile: string): Manifest | string | undefined {
  let text: string;
  try {
    text = readFileSync(manifestPath(closedFile), "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return (cause as Error).message;
  }
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** Closed and not finished: plain, and without a manifest. */
export function unfinished(logFile: string): ClosedFile[] {
  return closedFiles(logFile).filter(
    ({ path, compression }) => compression === null && !existsSync(manifestPath(path)),
  );
}

/** Manifests whose file is not there. */
export function orphanManifests(logFile: string): string[] {
  const [folder, base] = [dirname(logFile), basename(logFile)];
  const names = readdirSync(folder).filter((name) => name.startsWith(base));
  const there = new Set(names);
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .filter((name) => CLOSED.test(name.slice(base.length)) && !there.has(name))
    .map((name) => manifestPath(join(folder, name)));
}

type Fields = Readonly<Record<string, unknown>>;

function parse(value: unknown): Manifest {
  if (typeof value !== "object" || value === null) throw new Error("not an object");
  const fields = value as Fields;
  if (fields.version !== VERSION) throw new Error(`version ${JSON.stringify(fields.version)}, not ${VERSION}`);
  const { compression, crc32c, partitions } = fields;
  if (compression !== null && compression !== "gzip" && compression !== "zstd") throw new Error("no compression");
  if (typeof crc32c !== "string" || !/^[0-9a-f]{8}$/.test(crc32c)) throw new Error("no crc32c");
  if (!Array.isArray(partitions)) throw new Error("no partitions");
  return {
    file: textOf(fields, "file"),
    identity: {
      clusterId: textOf(fields, "cluster_id"),
      topic: textOf(fields, "topic"),
      topicId: fields.topic_id === null ? null : textOf(fields, "topic_id"),
    },
    openedAtMs: countOf(fields, "opened_at_ms"),
    closedAtMs: countOf(fields, "closed_at_ms"),
    lines: countOf(fields, "lines"),
    foreignLines: countOf(fields, "foreign_lines"),
    bytes: countOf(fields, "bytes"),
    crc32c,
    compression,
    compressedBytes: fields.compressed_bytes === null ? null : countOf(fields, "compressed_bytes"),
    partitions: partitions.map((part: Fields) => ({
      partition: countOf(part, "partition"),
      firstOffset: countOf(part, "first_offset"),
      lastOffset: countOf(part, "last_offset"),
      lines: countOf(part, "lines"),
      bytes: countOf(part, "bytes"),
    })),
  };
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new Error(`no ${name}`);
  return value;
}

function countOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Error(`no ${name}`);
  return value as number;
}
