/** One consumer of a scenario: a log file of its own, the processes that write it one after the other, and the files it consists of. */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { closedFiles } from "../../src/consume/index.ts";
import { Command } from "./command.ts";
import type { FoundLine, FoundLog } from "./line-oracle.ts";

const ASSIGNED = /partitions assigned/;
const JOIN_LIMIT_MS = 40_000;

export class ConsumerLog {
  readonly name: string;
  readonly logFile: string;
  readonly #args: readonly string[];
  readonly #output: string;
  /** What was taken away of the log, in the order of writing. */
  readonly #kept: string[] = [];
  #command: Command | undefined;

  constructor(name: string, { folder, output, args }: { folder: string; output: string; args: readonly string[] }) {
    mkdirSync(folder, { recursive: true });
    this.name = name;
    this.logFile = join(folder, "consumer.log");
    this.#args = [...args, "--log-file", this.logFile];
    this.#output = output;
  }

  get command(): Command {
    if (!this.#command) throw new Error(`${this.name} was never started`);
    return this.#command;
  }

  get isRunning(): boolean {
    return this.#command?.isRunning ?? false;
  }

  start(): void {
    this.#command = new Command("consume", this.#args, this.#output);
  }

  /** Resolves when the process that runs has been given partitions. */
  async whenAssigned(): Promise<void> {
    await this.command.logged(ASSIGNED, JOIN_LIMIT_MS);
  }

  /** As logrotate does; with or without the signal that tells of it. */
  move({ withSignal }: { withSignal: boolean }): void {
    const moved = this.#keep();
    renameSync(this.logFile, moved);
    if (withSignal) this.command.signal("SIGHUP");
  }

  /** A hard link keeps what was in it, for the oracle. */
  delete(): void {
    linkSync(this.logFile, this.#keep());
    rmSync(this.logFile);
  }

  /** Between copy and cut the process must not write: what it wrote then would be gone for the oracle, too. */
  truncate(): Promise<void> {
    return this.command.whileHalted(() => {
      copyFileSync(this.logFile, this.#keep());
      truncateSync(this.logFile);
    });
  }

  #keep(): string {
    const path = join(dirname(this.logFile), `kept-${this.#kept.length}.log`);
    this.#kept.push(path);
    return path;
  }

  /** Whether anything was taken away: then the log is whole only together with it. */
  get isWhole(): boolean {
    return this.#kept.length === 0;
  }

  /** A number that changes whenever lines are written. */
  mark(): string {
    const size = existsSync(this.logFile) ? statSync(this.logFile).size : -1;
    return `${closedFiles(this.logFile).length} ${size}`;
  }

  read(): FoundLog {
    const closed = closedFiles(this.logFile).map(({ path }) => path);
    const live = existsSync(this.logFile) ? [this.logFile] : [];
    const text = [...this.#kept, ...closed, ...live].map(textOf).join("");
    const lines = text.split("\n");
    // Behind the last line end there is nothing, or an unfinished line.
    if (lines.at(-1) === "") lines.pop();
    return { name: this.name, lines: lines.map(readLine) };
  }
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  if (path.endsWith(".gz")) return gunzipSync(bytes).toString();
  return path.endsWith(".zst") ? zstdDecompressSync(bytes).toString() : bytes.toString();
}

const VALUE = ',"value":';

function readLine(line: string): FoundLine | undefined {
  try {
    const { partition, offset, id } = JSON.parse(line) as { partition: number; offset: number; id?: string };
    const at = line.indexOf(VALUE);
    return { partition, offset, id, value: line.slice(at + VALUE.length, -1) };
  } catch {
    return undefined;
  }
}
