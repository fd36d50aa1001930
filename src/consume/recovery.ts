/**
 * What happens to a log file when its owner starts: the file of another topic is set aside, a torn tail is cut, and the checkpoint
 * is brought up to the file. Afterwards the last offset of each partition in the file is known, and the file ends with a whole line.
 * The caller holds the file's lock.
 */
import { existsSync, renameSync, statSync, truncateSync } from "node:fs";
import type { Log } from "../log.ts";
import {
  type Checkpoint,
  checkpointPath,
  isSameTopic,
  readCheckpoint,
  type TopicIdentity,
  writeCheckpoint,
} from "./checkpoint.ts";
import { LogFileError } from "./log-file.ts";
import { isLineStart, looksLikeLog, scanLog } from "./log-scan.ts";

/** Returns the checkpoint as it now stands in the file. Throws `LogFileError` where the file is something else than a log of ours. */
export function recover(logFile: string, identity: TopicIdentity, log: Log, nowMs = Date.now()): Checkpoint {
  let found = readCheckpoint(logFile);
  if (typeof found === "string") {
    log.warn({ problem: found }, "the checkpoint cannot be used; the whole log file is read instead");
    found = undefined;
  }
  if (found && !isSameTopic(found.identity, identity)) {
    setAside(logFile, found.identity, identity, log, nowMs);
    found = undefined;
  }
  const checkpoint = existsSync(logFile)
    ? bringUpToFile(logFile, found, identity, log)
    : { identity, offsets: new Map<number, number>(), validBytes: 0 };
  writeCheckpoint(logFile, checkpoint);
  return checkpoint;
}

function setAside(logFile: string, old: TopicIdentity, current: TopicIdentity, log: Log, nowMs: number): void {
  const suffix = new Date(nowMs).toISOString().replaceAll(":", "-");
  const aside = `${logFile}.${suffix}`;
  if (existsSync(logFile)) renameSync(logFile, aside);
  renameSync(checkpointPath(logFile), checkpointPath(aside));
  log.warn({ old, current, set_aside: aside }, "the log file is of another topic (or cluster); it was set aside");
}

function bringUpToFile(logFile: string, found: Checkpoint | undefined, identity: TopicIdentity, log: Log): Checkpoint {
  const start = startOf(logFile, found, log);
  if (start.validBytes === 0 && !looksLikeLog(logFile)) {
    throw new LogFileError(
      `${logFile} is not a log file of consume: its first line is something else. Move it, or name another with --log-file`,
    );
  }
  const scan = scanLog(logFile, start.validBytes);
  if (scan.foreignLines > 0)
    log.warn({ lines: scan.foreignLines }, "the log file has lines that are not ours; they stay");
  if (scan.validBytes < scan.fileBytes) {
    truncateSync(logFile, scan.validBytes);
    log.warn(
      { cut_bytes: scan.fileBytes - scan.validBytes, valid_bytes: scan.validBytes },
      "the log file had a torn tail, which was cut",
    );
  }
  const offsets = new Map(start.offsets);
  for (const [partition, offset] of scan.offsets)
    offsets.set(partition, Math.max(offset, offsets.get(partition) ?? -1));
  return { identity, offsets, validBytes: scan.validBytes };
}

/** From where on the file must be read, and what is known of the part before. */
function startOf(logFile: string, found: Checkpoint | undefined, log: Log): Pick<Checkpoint, "offsets" | "validBytes"> {
  if (!found) return { offsets: new Map(), validBytes: 0 };
  const fileBytes = statSync(logFile).size;
  if (fileBytes >= found.validBytes && isLineStart(logFile, found.validBytes)) return found;
  // What the checkpoint says of offsets is no longer in the file: only the file counts.
  log.warn(
    { expected_bytes: found.validBytes, actual_bytes: fileBytes },
    "the log file is not the one of its checkpoint; all of it is read",
  );
  return { offsets: new Map(), validBytes: 0 };
}
