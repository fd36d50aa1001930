/**
 * Which offsets a worker may commit: those of lines that the writer has said are written, and of partitions that are still its own.
 * Pure bookkeeping; offsets here are the next to read, as Kafka commits them.
 */
import { isUpTo, type Run } from "./worker-messages.ts";

interface Outstanding {
  readonly sequence: number;
  /** By partition. What was revoked meanwhile is taken out. */
  readonly next: Map<number, number>;
}

export class Commits {
  readonly #intervalMs: number;
  readonly #outstanding: Outstanding[] = [];
  /** Written, and not yet asked to be committed. */
  readonly #ready = new Map<number, number>();
  #lastAskedMs = Number.NEGATIVE_INFINITY;

  /** At most one commit every `intervalMs`. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Buffers that the writer has and has not written. */
  get outstanding(): number {
    return this.#outstanding.length;
  }

  sent(sequence: number, runs: readonly Run[]): void {
    const next = new Map<number, number>();
    for (const run of runs) next.set(run.partition, run.lastOffset + 1);
    this.#outstanding.push({ sequence, next });
  }

  /** The writer is done with everything up to `written`. */
  markWritten(written: number): void {
    while (this.#outstanding.length > 0 && isUpTo(this.#outstanding[0]!.sequence, written)) {
      for (const [partition, offset] of this.#outstanding.shift()!.next) this.#makeReady(partition, offset);
    }
  }

  #makeReady(partition: number, offset: number): void {
    this.#ready.set(partition, Math.max(offset, this.#ready.get(partition) ?? 0));
  }

  /** What is to be committed now; empty where there is nothing, or the last time was not long ago. */
  takeDue(nowMs: number): ReadonlyMap<number, number> {
    if (this.#ready.size === 0 || nowMs - this.#lastAskedMs < this.#intervalMs) return new Map();
    this.#lastAskedMs = nowMs;
    const due = new Map(this.#ready);
    this.#ready.clear();
    return due;
  }

  /** A commit of these was asked for and failed: they are to be committed again. */
  giveBack(offsets: ReadonlyMap<number, number>): void {
    for (const [partition, offset] of offsets) this.#makeReady(partition, offset);
  }

  /** Whether some of these partitions' lines are still to be written. */
  isWaiting(partitions: readonly number[]): boolean {
    return this.#outstanding.some(({ next }) => partitions.some((partition) => next.has(partition)));
  }

  /** Forgets the partitions, which are no longer ours, and returns what was ready of them. */
  release(partitions: readonly number[]): ReadonlyMap<number, number> {
    const released = new Map<number, number>();
    for (const partition of partitions) {
      const offset = this.#ready.get(partition);
      if (offset !== undefined) released.set(partition, offset);
      this.#ready.delete(partition);
      for (const { next } of this.#outstanding) next.delete(partition);
    }
    return released;
  }
}
