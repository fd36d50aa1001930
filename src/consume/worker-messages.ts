/**
 * What the main thread and a worker tell each other. Lines, log lines and the end come as messages; the other way goes through
 * three shared cells, because a worker that reads never turns its event loop.
 */

import type { KafkaLogLevel, Properties } from "../kafka/index.ts";
import type { HandlerCounts, HandlerLimits } from "./handler-runner.ts";

/** Lines that lie behind each other in a buffer: records of one partition, in the order of their offsets (gaps are allowed). */
export interface Run {
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** How many. */
  readonly lines: number;
  /** Where in the buffer, in bytes. */
  readonly start: number;
  readonly end: number;
}

/** A buffer of finished lines. Between two runs nothing else lies. */
export interface Lines {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly runs: readonly Run[];
}

export interface WorkerSettings {
  readonly brokers: string;
  readonly group: string;
  readonly topic: string;
  readonly from: "earliest" | "latest";
  readonly properties?: Properties;
  readonly handler?: HandlerSettings | undefined;
}

export interface HandlerSettings extends HandlerLimits {
  /** Absolute. */
  readonly file: string;
  readonly deadLetterTopic: string;
}

/** A worker's `workerData`. */
export interface WorkerStart {
  readonly settings: WorkerSettings;
  readonly cells: SharedArrayBuffer;
}

export type WorkerMessage =
  | ({ readonly type: "lines"; readonly sequence: number } & Lines)
  | {
      readonly type: "log";
      readonly level: KafkaLogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** Since the message before. */
  | ({ readonly type: "handled" } & Readonly<HandlerCounts>)
  /** It could join the group now, and waits for the others. */
  | { readonly type: "ready" }
  /** The last one: its Kafka client is closed. `problem` where it did not end because it was asked to. */
  | { readonly type: "ended"; readonly problem: string | undefined };

/** "finish": write and commit what was read, then end. "abandon": end without waiting for the writer. */
export type StopMode = "finish" | "abandon";

const [STOP, WRITTEN, JOIN, CELLS] = [0, 1, 2, 3];
const STOP_CODES = { finish: 1, abandon: 2 } as const;

/**
 * The shared cells. Sequence numbers start at 1 and wrap around in 32 bits, so two are compared only by their distance; no more
 * than a few are ever outstanding.
 */
export class WorkerCells {
  readonly shared: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(shared = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#cells = new Int32Array(shared);
  }

  // The main thread writes:

  requestStop(mode: StopMode): void {
    Atomics.store(this.#cells, STOP, STOP_CODES[mode]);
    Atomics.notify(this.#cells, WRITTEN);
    this.letJoin();
  }

  /** The group may be joined. */
  letJoin(): void {
    Atomics.store(this.#cells, JOIN, 1);
    Atomics.notify(this.#cells, JOIN);
  }

  setWritten(sequence: number): void {
    Atomics.store(this.#cells, WRITTEN, sequence);
    Atomics.notify(this.#cells, WRITTEN);
  }

  // The worker reads:

  get isStopRequested(): boolean {
    return Atomics.load(this.#cells, STOP) !== 0;
  }

  get isAbandoned(): boolean {
    return Atomics.load(this.#cells, STOP) === STOP_CODES.abandon;
  }

  get written(): number {
    return Atomics.load(this.#cells, WRITTEN);
  }

  /** Waits until the group may be joined, or a stop is asked for, or the time is over. */
  waitToJoin(timeoutMs: number): void {
    Atomics.wait(this.#cells, JOIN, 0, timeoutMs);
  }

  /** Waits until `written` is no longer `known`, or a stop is asked for, or the time is over. */
  waitForWriter(known: number, timeoutMs: number): void {
    Atomics.wait(this.#cells, WRITTEN, known, timeoutMs);
  }
}

export function nextSequence(sequence: number): number {
  return (sequence + 1) | 0;
}

/** Whether `sequence` is among those up to `written`. */
export function isUpTo(sequence: number, written: number): boolean {
  return ((written - sequence) | 0) >= 0;
}
