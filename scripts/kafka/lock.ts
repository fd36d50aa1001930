/**
 * One at a time across processes: whoever fetches the jars or changes the development cluster holds a lock file.
 * The lock is SQLite's own file lock, so the kernel gives it back when its holder dies, however it dies: there are no stale locks.
 */
import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

const RETRY_MS = 100;

/** Runs `action` alone; calls `onWait` once if another process has the lock. */
export async function withLock<T>(file: string, onWait: () => void, action: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const database = new Database(file, { create: true });
  try {
    let waited = false;
    while (!tryLock(database)) {
      if (!waited) onWait();
      waited = true;
      await Bun.sleep(RETRY_MS);
    }
    return await action();
  } finally {
    database.close();
  }
}

function tryLock(database: Database): boolean {
  try {
    database.run("BEGIN EXCLUSIVE");
    return true;
  } catch (cause) {
    if ((cause as { code?: string }).code === "SQLITE_BUSY") return false;
    throw cause;
  }
}
