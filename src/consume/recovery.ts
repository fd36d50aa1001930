/**
 * What happens to a log when its owner starts: that of another topic is set aside, a torn tail is cut, and the checkpoint is brought up
 * to the files. Afterwards the last offset of each partition in the log is known, and the live file ends with a whole line. The caller
 * holds the log's lock.
 *
 * Closing a file is a rename, and the checkpoint is written after it: a process that ended in between leaves closed files of which the
 * checkpoint knows nothing. They are told by their sequence; the first of them is the one that the checkpoint calls the live one.
 */
import { closeSync, existsSync, openSync, renameSync, statSync, truncateSync } from "node:fs";
import type { Log } from "../log.ts";
import {
  type Checkpoint,
  checkpointPath,
  isSameTopic,
  readCheckpoint,
  type TopicIdentity,
  writeCheckpoint,
} from "./checkpoint.ts";
import { type ClosedFile, closedFiles } from "./closed-files.ts";
import { type FileId, LogFileError } from "./log-file.ts";
import { firstLine, isLineStart, type LogScan, looksLikeLog, scanLog } from "./log-scan.ts";
import { readManifest, unfinished } from "./manifest.ts";

/** Returns the checkpoint as it now stands in the file. Throws `LogFileError` where the file is something else than a log of ours. */
export function recover(logFile: string, identity: TopicIdentity, log: Log, nowMs = Date.now()): Checkpoint {
  let found = readCheckpoint(logFile);
  if (typeof found === "string") {
    log.warn({ problem: found }, "the checkpoint cannot be used; the whole log file is read instead");
    found = undefined;
  }
  const old = found ? found.identity : topicInFile(logFile);
  const isOther = found ? !isSameTopic(found.identity, identity) : old !== undefined && old.topic !== identity.topic;
  if (isOther) setAside(logFile, old!, identity, log, nowMs);
  const checkpoint = isOther
    ? {
        identity,
        offsets: new Map<number, number>(),
        validBytes: 0,
        sequence: closedFiles(logFile).at(-1)?.sequence ?? 0,
      }
    : bringUpToFile(logFile, found, identity, log);
  writeCheckpoint(logFile, checkpoint);
  return checkpoint;
}

/** What the file's own lines say, where there is no checkpoint. */
function topicInFile(path: string): Pick<TopicIdentity, "topic"> | undefined {
  const line = existsSync(path) ? firstLine(path) : undefined;
  try {
    const { topic } = JSON.parse(line ?? "") as { topic?: unknown };
    return typeof topic === "string" ? { topic } : undefined;
  } catch {
    return undefined;
  }
}

function setAside(
  logFile: string,
  old: Pick<TopicIdentity, "topic">,
  current: TopicIdentity,
  log: Log,
  nowMs: number,
): void {
  const suffix = new Date(nowMs).toISOString().replaceAll(":", "-");
  const aside = `${logFile}.${suffix}`;
  if (existsSync(logFile)) renameSync(logFile, aside);
  // Whose manifest would say that they are of the new topic.
  for (const { path, sequence } of unfinished(logFile)) renameSync(path, `${aside}.${sequence}`);
  if (existsSync(checkpointPath(logFile))) renameSync(checkpointPath(logFile), checkpointPath(aside));
  log.warn({ old, current, set_aside: aside }, "the log file is of another topic (or cluster); it was set aside");
}

function bringUpToFile(logFile: string, found: Checkpoint | undefined, identity: TopicIdentity, log: Log): Checkpoint {
  // A new one is made here, so that the checkpoint can say which file it speaks of.
  closeSync(openSync(logFile, "a"));
  const offsets = new Map<number, number>();
  const closed = closedFiles(logFile);
  const unknown = closed.filter(({ sequence }) => sequence > (found?.sequence ?? 0));
  const id = fileId(logFile);
  const start = startOf(logFile, id, found, unknown.length > 0, log);
  raise(offsets, start.offsets);
  for (const file of start.isTrusted ? unknown : closed) raise(offsets, offsetsOfClosed(file, identity, log));
  if (start.validBytes === 0 && !looksLikeLog(logFile)) {
    throw new LogFileError(
      `${logFile} is not a log file of consume: its first line is something else. Move it, or name another with --log-file`,
    );
  }
  const { offsets: ofLive, validBytes } = mend(logFile, start.validBytes, log);
  raise(offsets, ofLive);
  const sequence = Math.max(found?.sequence ?? 0, closed.at(-1)?.sequence ?? 0);
  return { identity, offsets, validBytes, file: id, sequence };
}

/** Of a closed file that the checkpoint knows nothing of. */
function offsetsOfClosed(
  { path, compression }: ClosedFile,
  identity: TopicIdentity,
  log: Log,
): ReadonlyMap<number, number> {
  const manifest = readManifest(path);
  if (typeof manifest === "object") {
    const parts = isSameTopic(manifest.identity, identity) ? manifest.partitions : [];
    return new Map(parts.map(({ partition, lastOffset }) => [partition, lastOffset]));
  }
  if (compression === null) {
    const { topic } = topicInFile(path) ?? identity;
    return topic === identity.topic ? mend(path, 0, log).offsets : new Map();
  }
  log.warn({ file: path, problem: manifest }, "a closed log file has no manifest that can be read; it is passed over");
  return new Map();
}

function fileId(path: string): FileId {
  const { dev, ino } = statSync(path);
  return { device: dev, inode: ino };
}

function raise(offsets: Map<number, number>, others: ReadonlyMap<number, number>): void {
  for (const [partition, offset] of others) offsets.set(partition, Math.max(offset, offsets.get(partition) ?? -1));
}

/** Reads the file from there on, and cuts a torn tail. */
function mend(path: string, from: number, log: Log): LogScan {
  const scan = scanLog(path, from);
  if (scan.foreignLines > 0)
    log.warn({ file: path, lines: scan.foreignLines }, "the log file has lines that are not ours; they stay");
  if (scan.validBytes < scan.fileBytes) {
    truncateSync(path, scan.validBytes);
    log.warn(
      { file: path, cut_bytes: scan.fileBytes - scan.validBytes, valid_bytes: scan.validBytes },
      "the log file had a torn tail, which was cut",
    );
  }
  return scan;
}

interface Start extends Pick<Checkpoint, "offsets" | "validBytes"> {
  /** Whether `offsets` stand for all that was closed up to the checkpoint, too. */
  readonly isTrusted: boolean;
}

/** From where on the live file must be read, and what is known of all that was written before. */
function startOf(logFile: string, id: FileId, found: Checkpoint | undefined, wasClosed: boolean, log: Log): Start {
  if (!found) return { offsets: new Map(), validBytes: 0, isTrusted: false };
  if (wasClosed) return { offsets: found.offsets, validBytes: 0, isTrusted: true };
  if (found.file && !(found.file.inode === id.inode && found.file.device === id.device)) {
    log.warn(
      "the log file was moved or deleted since the last time; what its checkpoint says was written is not written again",
    );
    return { offsets: found.offsets, validBytes: 0, isTrusted: true };
  }
  const fileBytes = statSync(logFile).size;
  if (fileBytes >= found.validBytes && isLineStart(logFile, found.validBytes)) return { ...found, isTrusted: true };
  // Somebody cut it, or the machine lost power before its end was on the disk. What the checkpoint says of offsets may no longer be in
  // it: only the files count, so that nothing is missing.
  log.warn(
    { expected_bytes: found.validBytes, actual_bytes: fileBytes },
    "the log file is not the one of its checkpoint; all of it is read",
  );
  return { offsets: new Map(), validBytes: 0, isTrusted: false };
}
