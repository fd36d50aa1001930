/**
 * The spool on disk: one SQLite database. What `put` returned for is on the disk; what a crash cut off was never there. Everything here
 * blocks: it belongs on a thread of its own.
 */
import { Database, type Statement } from "bun:sqlite";
import { existsSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { KeyTable } from "./key-table.ts";
import { CHUNK_EVENTS_MAX, type StoredRecord } from "./record.ts";

export const FILE_NAME = "spool.db";
/** "Slui", so that another program's database is known for what it is. */
const APPLICATION_ID = 0x53_6c_75_69;
const VERSION = 1;
/** What the write-ahead log may keep of the disk. */
const WAL_BYTES = 16_000_000;
/** Pages given back at a time. */
const VACUUM_PAGES = 1000;

const SCHEMA = `
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY, topic TEXT NOT NULL, key TEXT, value BLOB, headers TEXT NOT NULL,
    timestamp_ms INTEGER, spooled_at_ms INTEGER NOT NULL, bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE rejected (
    sequence INTEGER PRIMARY KEY, topic TEXT NOT NULL, key TEXT, value BLOB, headers TEXT NOT NULL,
    timestamp_ms INTEGER, spooled_at_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, reason TEXT NOT NULL
  ) STRICT;
  CREATE TABLE state (is_settled INTEGER NOT NULL) STRICT;
  INSERT INTO state VALUES (1);`;

export interface Found {
  readonly events: number;
  /** Rejected ones too: they take their room. */
  readonly bytes: number;
  readonly rejected: number;
  readonly lastSequence: number;
  readonly oldestMs: number | null;
  /** Up to here a process that was killed may have published events and not removed them; 0: none did. */
  readonly doubtfulUpTo: number;
  /** `KeyTable`'s counts. */
  readonly keys: Uint32Array<ArrayBuffer>;
  /** Files that were there and are nothing of the spool's. */
  readonly foreign: readonly string[];
  /** Databases that were set aside by the processes before. */
  readonly asideBefore: readonly string[];
  /** Where a database that could not be used was put, and why. */
  readonly setAside: { readonly path: string; readonly reason: string } | undefined;
}

/** The spool cannot be had: a sentence for whoever started it. */
export class SpoolError extends Error {
  override readonly name = "SpoolError";
}

interface Row {
  readonly sequence: number;
  readonly topic: string;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: string;
  readonly timestamp_ms: number | null;
  readonly spooled_at_ms: number;
  readonly bytes: number;
}

export class Store {
  readonly #database: Database;
  readonly #insert: Statement;
  readonly #select: Statement<Row, [number, number]>;
  readonly #delete: Statement;
  readonly #reject: Statement;
  readonly found: Found;

  /** Throws `SpoolError` where another process has the spool, or the folder cannot be used. */
  constructor(folder: string, nowMs = Date.now()) {
    const path = join(folder, FILE_NAME);
    let setAside: Found["setAside"];
    const names = readdirSync(folder);
    let database = open(path);
    if (typeof database === "string") {
      setAside = { path: moveAside(path, nowMs), reason: database };
      database = open(path);
      if (typeof database === "string") throw new SpoolError(`the spool ${path} cannot be made: ${database}`);
    }
    this.#database = database;
    this.#insert = database.prepare(
      "INSERT INTO events (sequence, topic, key, value, headers, timestamp_ms, spooled_at_ms, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#select = database.prepare(
      "SELECT sequence, topic, key, value, headers, timestamp_ms, spooled_at_ms, bytes FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?",
    );
    this.#delete = database.prepare("DELETE FROM events WHERE sequence = ?");
    this.#reject = database.prepare("INSERT OR REPLACE INTO rejected SELECT *, ? FROM events WHERE sequence = ?");
    const foreign = names.filter((name) => !name.startsWith(FILE_NAME));
    const asideBefore = names.filter((name) => ASIDE.test(name));
    this.found = { ...this.#look(), foreign, asideBefore, setAside };
    this.#note(false);
  }

  /** Whether nothing in the spool may be in Kafka already. */
  #note(isSettled: boolean): void {
    try {
      this.#database.run("UPDATE state SET is_settled = ?", [Number(isSettled)]);
    } catch {
      // A full disk. Less will be marked as a possible duplicate, and nothing lost.
    }
  }

  #look(): Omit<Found, "foreign" | "asideBefore" | "setAside"> {
    const keys = new KeyTable();
    const all = this.#database.prepare<{ topic: string; key: string | null }, []>("SELECT topic, key FROM events");
    for (const { topic, key } of all.iterate()) keys.add(topic, key);
    all.finalize();
    const totals = getOne<{ events: number; bytes: number; last: number; oldest: number | null }>(
      this.#database,
      "SELECT count(*) AS events, coalesce(sum(bytes), 0) AS bytes, coalesce(max(sequence), 0) AS last, min(spooled_at_ms) AS oldest FROM events",
    );
    const rejected = getOne<{ events: number; bytes: number; last: number }>(
      this.#database,
      "SELECT count(*) AS events, coalesce(sum(bytes), 0) AS bytes, coalesce(max(sequence), 0) AS last FROM rejected",
    );
    const doubtful = getOne<{ last: number }>(
      this.#database,
      `SELECT coalesce(max(sequence), 0) AS last FROM (SELECT sequence FROM events, state WHERE NOT is_settled ORDER BY sequence LIMIT ${CHUNK_EVENTS_MAX})`,
    );
    return {
      events: totals.events,
      bytes: totals.bytes + rejected.bytes,
      doubtfulUpTo: doubtful.last,
      rejected: rejected.events,
      lastSequence: Math.max(totals.last, rejected.last),
      oldestMs: totals.oldest,
      keys: keys.counts,
    };
  }

  /** All of them, on the disk when this returns; or it throws, and none is there. */
  put(records: readonly StoredRecord[], nowMs = Date.now()): void {
    this.#database.transaction(() => {
      for (const { sequence, topic, key, value, headers, timestampMs, bytes } of records) {
        this.#insert.run(sequence, topic, key, value, JSON.stringify(headers), timestampMs ?? null, nowMs, bytes);
      }
    })();
  }

  /** The next ones behind `after`, as many as both limits allow, at least one where there is one. */
  read(after: number, maxEvents: number, maxBytes: number): StoredRecord[] {
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const row of this.#select.iterate(after, maxEvents)) {
      if (records.length > 0 && bytes + row.bytes > maxBytes) break;
      bytes += row.bytes;
      const { sequence, topic, key, value, spooled_at_ms: spooledAtMs } = row;
      const timestampMs = row.timestamp_ms ?? undefined;
      const headers = JSON.parse(row.headers);
      records.push({ sequence, topic, key, value, headers, timestampMs, bytes: row.bytes, spooledAtMs });
    }
    return records;
  }

  /** Events that are in Kafka go; those that Kafka will never take are put where somebody can look at them. */
  remove(
    sequences: readonly number[],
    rejected: readonly { readonly sequence: number; readonly reason: string }[],
  ): void {
    this.#database.transaction(() => {
      for (const { sequence, reason } of rejected) {
        this.#reject.run(reason, sequence);
        this.#delete.run(sequence);
      }
      for (const sequence of sequences) this.#delete.run(sequence);
    })();
    // What was taken up once is not kept for ever.
    this.#database.run(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
  }

  /** `isSettled`: nothing in it may be in Kafka already. */
  close(isSettled = true): void {
    if (isSettled) this.#note(true);
    try {
      this.#database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // A full disk, say: the next opening reads the write-ahead log.
    }
    for (const statement of [this.#insert, this.#select, this.#delete, this.#reject]) statement.finalize();
    this.#database.close();
  }
}

/** A sentence where the file there is none of ours, or broken: it is as it was then. Throws `SpoolError` where it is another process's. */
function open(path: string): Database | string {
  let database: Database | undefined;
  try {
    const isNew = !existsSync(path) || statSync(path).size === 0;
    database = new Database(path, { create: true });
    database.run("PRAGMA busy_timeout = 0");
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    const problem = isNew ? undefined : problemIn(database);
    if (problem !== undefined) {
      database.close();
      return problem;
    }
    if (isNew) database.run("PRAGMA auto_vacuum = INCREMENTAL");
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.run(`PRAGMA journal_size_limit = ${WAL_BYTES}`);
    // Takes the lock, which is then kept.
    database.run("BEGIN EXCLUSIVE");
    if (getOne<{ tables: number }>(database, "SELECT count(*) AS tables FROM sqlite_schema").tables === 0)
      make(database);
    database.run("COMMIT");
    return database;
  } catch (cause) {
    database?.close();
    const { code, message } = cause as { code?: string; message: string };
    if (code?.startsWith("SQLITE_BUSY"))
      throw new SpoolError(`another process uses the spool ${path}: one serve process a spool folder`);
    if (code === "SQLITE_NOTADB" || code?.startsWith("SQLITE_CORRUPT")) return message;
    throw new SpoolError(`the spool ${path} cannot be opened: ${message}`);
  }
}

function make(database: Database): void {
  database.run(SCHEMA);
  database.run(`PRAGMA application_id = ${APPLICATION_ID}`);
  database.run(`PRAGMA user_version = ${VERSION}`);
}

function problemIn(database: Database): string | undefined {
  const { tables } = getOne<{ tables: number }>(database, "SELECT count(*) AS tables FROM sqlite_schema");
  // A process that ended before its first commit left a file without anything in it.
  if (tables === 0) return undefined;
  const { application_id: id } = getOne<{ application_id: number }>(database, "PRAGMA application_id");
  const { user_version: version } = getOne<{ user_version: number }>(database, "PRAGMA user_version");
  if (id !== APPLICATION_ID) return "it is another program's database";
  if (version !== VERSION) return `it has version ${version}, not ${VERSION}`;
  const { ours } = getOne<{ ours: number }>(
    database,
    "SELECT count(*) AS ours FROM sqlite_schema WHERE type = 'table' AND name IN ('events', 'rejected', 'state')",
  );
  if (ours !== 3) return "it lacks a table of the spool's";
  const { quick_check: check } = getOne<{ quick_check: string }>(database, "PRAGMA quick_check(1)");
  return check === "ok" ? undefined : `it is damaged: ${check}`;
}

/** A statement that is not finalized keeps the file, and its lock, beyond `close`. */
export function getOne<T>(database: Database, sql: string): T {
  const statement = database.prepare<T, []>(sql);
  try {
    return statement.get()!;
  } finally {
    statement.finalize();
  }
}

const ASIDE = /^spool\.db\.aside-\w+$/;
const BESIDE = ["", "-wal", "-shm", "-journal"];

function moveAside(path: string, nowMs: number): string {
  const aside = `${path}.aside-${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  for (const suffix of BESIDE) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  return aside;
}
