/**
 * One owner a log file. The lock is SQLite's own file lock on `<log-file>.lock`: the kernel gives it back when its holder dies,
 * however it dies, so there are no stale locks. Two names of one file (symbolic links) meet at the same lock.
 */
import { Database } from "bun:sqlite";
import { LogFileError } from "./log-file.ts";

export class LogFileLock {
  readonly #database: Database;

  /** `logFile` is a real path. Throws `LogFileError` at once where another process has the lock. */
  constructor(logFile: string) {
    const path = `${logFile}.lock`;
    try {
      this.#database = new Database(path, { create: true });
    } catch (cause) {
      throw new LogFileError(`cannot open ${path}: ${(cause as Error).message}`);
    }
    try {
      this.#database.run("PRAGMA busy_timeout = 0");
      this.#database.run("PRAGMA locking_mode = EXCLUSIVE");
      this.#database.run("BEGIN EXCLUSIVE");
    } catch (cause) {
      this.#database.close();
      const isBusy = (cause as { code?: string }).code === "SQLITE_BUSY";
      throw new LogFileError(
        isBusy
          ? `another process writes to ${logFile}: one consume process a log file. Stop it, or name another file with --log-file`
          : `cannot lock ${path}: ${(cause as Error).message}`,
      );
    }
  }

  release(): void {
    this.#database.close();
  }
}
