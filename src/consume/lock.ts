/**
 * One owner a log file. The lock is SQLite's own file lock on `<log-file>.lock`: the kernel gives it back when its holder dies,
 * however it dies, so there are no stale locks. Two names of one file (symbolic links) meet at the same lock.
 */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { LogFileError } from "./log-file.ts";

const ASKER_MS = 100;

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
      // Who only asks (`isHeld`) is in the way for a moment.
      this.#database.run(`PRAGMA busy_timeout = ${ASKER_MS}`);
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

  /** Whether a process has the lock. Writes nothing: also where the folder, or the lock, is only to be read. */
  static isHeld(logFile: string): boolean {
    const path = `${logFile}.lock`;
    if (!existsSync(path)) return false;
    let database: Database | undefined;
    try {
      database = new Database(path, { readonly: true });
      database.run("SELECT count(*) FROM sqlite_schema");
      return false;
    } catch (cause) {
      return (cause as { code?: string }).code?.startsWith("SQLITE_BUSY") ?? false;
    } finally {
      database?.close();
    }
  }

  release(): void {
    this.#database.close();
  }
}
