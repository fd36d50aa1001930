/**
 * Spools in a folder that a run with so many processes would not take: one process has the folder itself, several have folders in it,
 * named by their numbers.
 */
import { Database } from "bun:sqlite";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { FILE_NAME, getOne, SpoolError } from "./store.ts";

export interface OtherSpool {
  readonly folder: string;
  readonly events: number;
  /** With so many, it would be taken. */
  readonly processes: number;
}

/** Those that hold events; the one for which most processes are needed comes first. Throws `SpoolError` where one cannot be looked at. */
export function spoolsOfOthers(folder: string, processes: number): OtherSpool[] {
  if (!existsSync(folder)) return [];
  const numbered = readdirSync(folder)
    .filter((name) => /^\d{1,3}$/.test(name))
    .map(Number)
    .filter((number) => processes === 1 || number >= processes)
    .sort((a, b) => b - a)
    .map((number) => ({ folder: join(folder, String(number)), processes: Math.max(2, number + 1) }));
  const others = processes === 1 ? numbered : [...numbered, { folder, processes: 1 }];
  return others
    .map((other) => ({ ...other, events: eventsIn(join(other.folder, FILE_NAME)) }))
    .filter(({ events }) => events > 0);
}

function eventsIn(path: string): number {
  if (!existsSync(path) || statSync(path).size === 0) return 0;
  let database: Database | undefined;
  try {
    database = new Database(path, { readwrite: true, create: false });
    database.run("PRAGMA busy_timeout = 0");
    return getOne<{ events: number }>(database, "SELECT count(*) AS events FROM events").events;
  } catch (cause) {
    const { message } = cause as Error;
    throw new SpoolError(`the spool ${path}, of a run with another number of processes, cannot be read: ${message}`);
  } finally {
    database?.close();
  }
}
