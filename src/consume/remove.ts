/** Removes a log with all that belongs to it: for whoever begins one anew, and only where nobody writes to it. */
import { existsSync, rmSync } from "node:fs";
import { checkpointPath } from "./checkpoint.ts";
import { closedFiles } from "./closed-files.ts";
import { LogFileLock } from "./lock.ts";
import { prepareLogFile } from "./log-file.ts";
import { manifestPath } from "./manifest.ts";

/** Throws `LogFileError` where another process has the log. */
export function removeLog(path: string): void {
  if (!existsSync(path)) return;
  const logFile = prepareLogFile(path);
  const lock = new LogFileLock(logFile);
  try {
    for (const closed of closedFiles(logFile)) {
      rmSync(closed.path, { force: true });
      rmSync(manifestPath(closed.path), { force: true });
    }
    for (const file of [checkpointPath(logFile), logFile]) rmSync(file, { force: true });
  } finally {
    lock.release();
  }
}
