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

  /** Blocks of this reading that the other has with other lines, or not at all. */
  differing(other: Blocks): { readonly partition: number; readonly block: number }[] {
    return Array.from(this.#sums, ([partition, sums]) =>
      Array.from(sums, ([block, sum]) => ({ partition, block, sum })).filter(
        ({ block, sum }) => other.#sums.get(partition)?.get(block) !== sum,
      ),
    ).flat();
  }
}
