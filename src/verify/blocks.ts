/**
 * Which lines two readings agree on, without keeping the lines: of each block of offsets the sum of its lines' hashes. Sums that differ
 * say in which block to look again.
 */

export const BLOCK_OFFSETS = 1024;

export class Blocks {
  readonly #sums = new Map<number, Map<number, number>>();

  /** `bytes` is the whole line without its end. */
  add(partition: number, offset: number, bytes: Uint8Array): void {
    const sums = this.#sums.get(partition) ?? new Map<number, number>();
    this.#sums.set(partition, sums);
    const block = Math.floor(offset / BLOCK_OFFSETS);
    // 1024 sums of 32 bits stay far below 2^53.
    sums.set(block, (sums.get(block) ?? 0) + Bun.hash.xxHash32(bytes));
  }

  /** Blocks that both have, with other lines, by partition and in ascending order. What only one has is for their offsets to tell. */
  differing(other: Blocks): Block[] {
    return Array.from(this.#sums, ([partition, sums]) =>
      Array.from(sums, ([block, sum]) => ({ partition, block, sum })).filter(({ block, sum }) => {
        const theirs = other.#sums.get(partition)?.get(block);
        return theirs !== undefined && theirs !== sum;
      }),
    )
      .flat()
      .map(({ partition, block }) => ({ partition, block }))
      .sort((a, b) => a.partition - b.partition || a.block - b.block);
  }
}

export interface Block {
  readonly partition: number;
  readonly block: number;
}

/** Of some blocks the hash of each line, to find the lines that differ. 4 KB a block. */
export class BlockLines {
  readonly #blocks = new Map<number, Map<number, Uint32Array>>();

  constructor(blocks: readonly Block[]) {
    for (const { partition, block } of blocks) {
      const ofPartition = this.#blocks.get(partition) ?? new Map<number, Uint32Array>();
      this.#blocks.set(partition, ofPartition.set(block, new Uint32Array(BLOCK_OFFSETS)));
    }
  }

  #of(partition: number, offset: number): Uint32Array | undefined {
    return this.#blocks.get(partition)?.get(Math.floor(offset / BLOCK_OFFSETS));
  }

  add(partition: number, offset: number, bytes: Uint8Array): void {
    const hashes = this.#of(partition, offset);
    if (hashes) hashes[offset % BLOCK_OFFSETS] = hashOf(bytes);
  }

  /** Whether a line of that offset was added, and was another. */
  differs(partition: number, offset: number, bytes: Uint8Array): boolean {
    const hash = this.#of(partition, offset)?.[offset % BLOCK_OFFSETS] ?? 0;
    return hash !== 0 && hash !== hashOf(bytes);
  }
}

/** 0 stands for no line. */
function hashOf(bytes: Uint8Array): number {
  return Bun.hash.xxHash32(bytes) || 1;
}
