/** What the tests of `src/consume` share: records without Kafka, lines by hand, a folder, a log that is kept, time by hand. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { Records } from "../../src/consume/line.ts";
import type { Lines, Run } from "../../src/consume/worker-messages.ts";
import type { HeaderName, TransferBuffer } from "../../src/kafka/index.ts";
import type { Log } from "../../src/log.ts";

export interface FakeRecord {
  readonly partition?: number;
  readonly offset: number;
  readonly timestampMs?: number;
  readonly id?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly value: string | Uint8Array | null;
}

const encoder = new TextEncoder();
export const bytesOf = (value: string | Uint8Array) => (typeof value === "string" ? encoder.encode(value) : value);
export const textOf = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

export class FakeRecords implements Records {
  readonly #records: readonly FakeRecord[];
  #found: Uint8Array = new Uint8Array(0);

  constructor(records: readonly FakeRecord[]) {
    this.#records = records;
  }

  get count(): number {
    return this.#records.length;
  }

  partition(i: number): number {
    return this.#records[i]!.partition ?? 0;
  }

  offset(i: number): number {
    return this.#records[i]!.offset;
  }

  timestampMs(i: number): number {
    return this.#records[i]!.timestampMs ?? 1_766_000_000_000;
  }

  valueLength(i: number): number {
    const { value } = this.#records[i]!;
    return value === null ? -1 : bytesOf(value).length;
  }

  copyValue(i: number, target: TransferBuffer, at: number): void {
    target.bytes.set(bytesOf(this.#records[i]!.value!), at);
  }

  keyLength(i: number): number {
    const { key } = this.#records[i]!;
    return key === undefined ? -1 : bytesOf(key).length;
  }

  copyKey(i: number, target: TransferBuffer, at: number): void {
    target.bytes.set(bytesOf(this.#records[i]!.key!), at);
  }

  findHeader(i: number, _name: HeaderName): number {
    const { id } = this.#records[i]!;
    if (id === undefined) return -1;
    this.#found = bytesOf(id);
    return this.#found.length;
  }

  copyHeader(target: TransferBuffer, at: number): void {
    target.bytes.set(this.#found, at);
  }
}

export function lineOf(partition: number, offset: number, value = "1"): string {
  return `{"partition":${partition},"offset":${offset},"value":${value}}\n`;
}

/** A buffer with these offsets, a run each time the partition changes. */
export function linesOf(...records: readonly (readonly [partition: number, offset: number])[]): Lines {
  const runs: Run[] = [];
  let text = "";
  for (const [partition, offset] of records) {
    const start = text.length;
    text += lineOf(partition, offset);
    const last = runs.at(-1);
    if (last?.partition === partition)
      runs[runs.length - 1] = { ...last, lastOffset: offset, lines: last.lines + 1, end: text.length };
    else runs.push({ partition, firstOffset: offset, lastOffset: offset, lines: 1, start, end: text.length });
  }
  return { bytes: encoder.encode(text), runs };
}

export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), "sluice-consume-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A log that keeps its lines. */
export function keptLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = pino(
    { level: "trace", base: null },
    { write: (line: string) => lines.push(JSON.parse(line) as LogLine) },
  );
  return { log, lines };
}

/** Polls until it holds, or throws after `timeoutMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`after ${timeoutMs} ms: not ${what}`);
    await Bun.sleep(5);
  }
}
