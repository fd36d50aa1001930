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
  /** Written, of the partitions that are ours. */
  readonly #written = new Map<number, number>();
  /** Of these, what the group is known to have. */
  readonly #confirmed = new Map<number, number>();
  /** What was not yet asked to be committed. */
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
    const last = Math.max(offset, this.#written.get(partition) ?? 0);
    this.#written.set(partition, last);
    this.#ready.set(partition, last);
  }

  /** What is to be committed now; empty where there is nothing, or the last time was not long ago. */
  takeDue(nowMs: number): ReadonlyMap<number, number> {
    if (this.#ready.size === 0 || nowMs - this.#lastAskedMs < this.#intervalMs) return new Map();
    this.#lastAskedMs = nowMs;
    const due = new Map(this.#ready);
    this.#ready.clear();
    return due;
  }

  /** A commit for these was asked for and failed: what is written of them is to be committed again. */
  giveBack(partitions: Iterable<number>): void {
    for (const partition of partitions) {
      const offset = this.#written.get(partition);
      if (offset !== undefined) this.#ready.set(partition, offset);
    }
  }

  /** The group has these. */
  confirm(offsets: ReadonlyMap<number, number>): void {
    for (const [partition, offset] of offsets) this.#confirmed.set(partition, offset);
  }

  /** What is written and not known to be committed: also what was asked for, because that may still fail. */
  unconfirmed(partitions: Iterable<number> = this.#written.keys()): ReadonlyMap<number, number> {
    const unconfirmed = new Map<number, number>();
    for (const partition of partitions) {
      const offset = this.#written.get(partition);
      if (offset !== undefined && offset !== this.#confirmed.get(partition)) unconfirmed.set(partition, offset);
    }
    return unconfirmed;
  }

  /** Whether some of these partitions' lines are still to be written. */
  isWaiting(partitions: readonly number[]): boolean {
    return this.#outstanding.some(({ next }) => partitions.some((partition) => next.has(partition)));
  }

  /** Forgets the partitions, which are no longer ours, and returns what is unconfirmed of them. */
  release(partitions: readonly number[]): ReadonlyMap<number, number> {
    const released = this.unconfirmed(partitions);
    for (const partition of partitions) {
      this.#written.delete(partition);
      this.#confirmed.delete(partition);
      this.#ready.delete(partition);
      for (const { next } of this.#outstanding) next.delete(partition);
    }
    return released;
  }
}
