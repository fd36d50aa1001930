/**
 * The checkpoint beside a log file: whose records the log holds, the last offset of each partition in it (closed files included), and
 * up to where the live file was whole. Replaced as a whole (a new file, renamed over the old), so a reader finds the one before or the one after.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type FileId, syncFolder } from "./log-file.ts";

/** Which topic: the same name in another cluster, or made anew, is another topic. */
export interface TopicIdentity {
  readonly clusterId: string;
  readonly topic: string;
  /** Null where the cluster gives topics no identity (before Kafka 2.8): then the name must do. */
  readonly topicId: string | null;
}

export interface Checkpoint {
  readonly identity: TopicIdentity;
  /** The last offset in the file, by partition. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Of the live file. */
  readonly validBytes: number;
  /** Which file that is; undefined in checkpoints of before there was rotation. */
  readonly file?: FileId | undefined;
  /** Of the last closed file whose lines are in `offsets`; 0: none was closed. */
  readonly sequence: number;
}

const VERSION = 1;

export function checkpointPath(logFile: string): string {
  return `${logFile}.checkpoint`;
}

/** With `isSynced` it is on the disk when this returns. */
export function writeCheckpoint(logFile: string, checkpoint: Checkpoint, isSynced = false): void {
  const { identity, offsets, validBytes, file, sequence } = checkpoint;
  const path = checkpointPath(logFile);
  const text = JSON.stringify({
    version: VERSION,
    cluster_id: identity.clusterId,
    topic: identity.topic,
    topic_id: identity.topicId,
    offsets: Object.fromEntries(offsets),
    valid_bytes: validBytes,
    ...(file && { device: file.device, inode: file.inode }),
    sequence,
  });
  writeFileSync(`${path}.new`, `${text}\n`, { flush: isSynced });
  renameSync(`${path}.new`, path);
  if (isSynced) syncFolder(dirname(path));
}

/** Undefined where there is none; a sentence where there is one that cannot be used. */
export function readCheckpoint(logFile: string): Checkpoint | string | undefined {
  let text: string;
  try {
    text = readFileSync(checkpointPath(logFile), "utf8");
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

function parse(value: unknown): Checkpoint {
  const fields = value as Readonly<Record<string, unknown>> | null;
  if (typeof fields !== "object" || fields === null) throw new Error("not an object");
  if (fields.version !== VERSION) throw new Error(`version ${JSON.stringify(fields.version)}, not ${VERSION}`);
  const { cluster_id: clusterId, topic, topic_id: topicId, offsets, valid_bytes: validBytes, sequence = 0 } = fields;
  const { device, inode } = fields;
  if (typeof clusterId !== "string" || typeof topic !== "string") throw new Error("no cluster_id or no topic");
  if (topicId !== null && typeof topicId !== "string") throw new Error("no topic_id");
  if (!isCount(validBytes)) throw new Error("no valid_bytes");
  if (!isCount(sequence)) throw new Error("a sequence that is no number");
  if (typeof offsets !== "object" || offsets === null) throw new Error("no offsets");
  const entries = Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset] as const);
  const isWhole = (entry: readonly [number, unknown]): entry is readonly [number, number] =>
    isCount(entry[0]) && isCount(entry[1]);
  if (!entries.every(isWhole)) throw new Error("offsets that are no numbers");
  const file = isCount(device) && isCount(inode) ? { device, inode } : undefined;
  return { identity: { clusterId, topic, topicId }, offsets: new Map(entries), validBytes, file, sequence };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isSameTopic(a: TopicIdentity, b: TopicIdentity): boolean {
  if (a.clusterId !== b.clusterId || a.topic !== b.topic) return false;
  return a.topicId === null || b.topicId === null || a.topicId === b.topicId;
}
