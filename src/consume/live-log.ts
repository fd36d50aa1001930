/**
 * The live file of a log, at its path: appended to, closed and begun anew when it is due, and noticed when somebody moves, deletes or
 * cuts it. Every line goes to whatever is the live file at that moment; which offsets are written is the writer's affair, and does not
 * change with the file.
 *
 * Closing is a rename. `onBegun` is called when a new live file is there and before anything is written to it: who keeps the
 * checkpoint then says so in it.
 */
import { existsSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { closedPath } from "./closed-files.ts";
import { type FileId, LogFile, syncFolder, type WriteBytes } from "./log-file.ts";

export interface RotationLimits {
  /** Undefined: no limit. */
  readonly maxBytes: number | undefined;
  readonly intervalMs: number | undefined;
}

export interface LiveLogOptions {
  readonly path: string;
  readonly rotation: RotationLimits;
  /** Files and folders reach the disk before anybody relies on them. */
  readonly isSynced: boolean;
  /** Of the last closed file. */
  readonly sequence: number;
  readonly log: Log;
  /** `closed` is undefined where somebody else took the old file away. */
  readonly onBegun: (closed: string | undefined) => void;
  readonly clock?: Clock;
  /** Others in tests only. */
  readonly write?: WriteBytes;
  readonly wallClockMs?: () => number;
}

const RETRY_MS = 10_000;

export class LiveLog {
  readonly #options: LiveLogOptions;
  readonly #clock: Clock;
  #file: LogFile;
  #sequence: number;
  #begunMs: number;
  /** After a closing that failed. */
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #isAppending = false;
  #syncs = 0;

  constructor(options: LiveLogOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sequence = options.sequence;
    this.#file = this.#open();
    const { wallClockMs = Date.now } = options;
    this.#begunMs = this.#clock.nowMs() - Math.max(0, wallClockMs() - this.#file.begunMs);
  }

  #open(): LogFile {
    const file = new LogFile(this.#options.path, this.#options.write);
    if (this.#options.isSynced) syncFolder(dirname(this.#options.path));
    return file;
  }

  /** Everything up to here was written as a whole. */
  get lengthBytes(): number {
    return this.#file.lengthBytes;
  }

  get id(): FileId {
    return this.#file.id;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** As `LogFile.append`, to whatever is the live file by then. */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    this.checkPath();
    this.#isAppending = true;
    try {
      await this.#file.append(pieces);
    } finally {
      this.#isAppending = false;
    }
  }

  /** While it goes on the file stays what it is: else it would say of the old lines what is true of the new file. */
  async sync(): Promise<void> {
    this.#syncs++;
    try {
      await this.#file.sync();
    } finally {
      this.#syncs--;
    }
  }

  /** Cuts what a failed sync has left in doubt: the system may have given it up, and would not say so a second time. */
  cutToSynced(): void {
    this.#file.cutToSynced();
  }

  /** Closes the file where it is due. Nothing must be under way. Where it fails, lines go on into the old file. */
  rotateIfDue(): void {
    const { maxBytes = Number.POSITIVE_INFINITY, intervalMs = Number.POSITIVE_INFINITY } = this.#options.rotation;
    const { lengthBytes } = this.#file;
    const nowMs = this.#clock.nowMs();
    if (lengthBytes === 0 || nowMs < this.#retryAtMs) return;
    if (lengthBytes >= maxBytes || nowMs - this.#begunMs >= intervalMs) this.#rotate();
  }

  #rotate(): void {
    const { path, log, isSynced, wallClockMs = Date.now } = this.#options;
    const closed = closedPath(path, this.#sequence + 1, wallClockMs());
    try {
      if (this.checkPath() !== "same" || this.#file.lengthBytes === 0) return;
      if (isSynced) this.#file.syncNow();
      // Somebody's file of that name would be lost.
      if (existsSync(closed)) throw new Error(`${closed} is there already`);
      renameSync(path, closed);
    } catch (cause) {
      this.#retryAtMs = this.#clock.nowMs() + RETRY_MS;
      log.error({ error: (cause as Error).message }, "the log file could not be closed; lines go on into it");
      return;
    }
    this.#sequence++;
    const bytes = this.#file.lengthBytes;
    this.#begin(closed);
    log.info({ closed, bytes }, "the log file was closed, and a new one begun");
  }

  /** From here on lines go to a new file at the path. */
  #begin(closed: string | undefined): void {
    const old = this.#file;
    if (this.#options.isSynced) old.syncNow();
    // Should this throw, the old file stays: where it was renamed, lines go there until opening works.
    this.#file = this.#open();
    old.close();
    this.#begunMs = this.#clock.nowMs();
    this.#options.onBegun(closed);
  }

  /**
   * Whether the file at the path is still ours. Where it was moved or deleted, a new one is begun; where it was cut, or somebody else
   * wrote to it, lines go on at its end. Nothing is written again. In the middle of an append this is put off to the next.
   */
  checkPath(): "same" | "begun" | "busy" {
    const { log, path } = this.#options;
    if (this.#isAppending || this.#syncs > 0) return "busy";
    const change = this.#file.checkLength();
    if (change !== 0) {
      const said =
        change < 0 ? "somebody cut the log file; lines go on at its end" : "somebody else writes to the log file";
      log.warn({ bytes: change }, said);
    }
    if (this.#file.isAt(path)) return "same";
    this.#begin(undefined);
    log.warn({ log_file: path }, "the log file was moved or deleted; a new one was begun");
    return "begun";
  }

  /** SIGHUP: logrotate and its like have moved the file, and want us to let go of it. */
  reopen(): void {
    if (this.checkPath() === "same") this.#options.log.info("SIGHUP: the log file is where it was; nothing to reopen");
  }

  close(): void {
    this.#file.close();
  }
}
