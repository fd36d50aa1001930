/** A body that did not come whole with its head: its pieces, as they come. */
import { joined } from "../body.ts";
import { owned } from "./bytes.ts";

/** Pieces that nobody has taken yet are put together up to this size: dripping in, each would cost more than it holds. */
const PIECE_BYTES_MAX = 4096;

export class Arriving {
  #missing: number;
  readonly #pieces: Buffer[] = [];
  #isAborted = false;
  #changed: PromiseWithResolvers<void> | undefined;

  constructor(contentLength: number) {
    this.#missing = contentLength;
  }

  /** In bytes. */
  get missing(): number {
    return this.#missing;
  }

  /** Takes as much of `bytes` as is missing; returns how much that was. */
  add(bytes: Buffer): number {
    const piece = bytes.subarray(0, this.#missing);
    if (piece.byteLength === 0) return 0;
    this.#missing -= piece.byteLength;
    const last = this.#pieces.at(-1);
    if (last && last.byteLength + piece.byteLength <= PIECE_BYTES_MAX) {
      this.#pieces[this.#pieces.length - 1] = Buffer.concat([last, piece]);
    } else this.#pieces.push(owned(piece));
    this.#changed?.resolve();
    return piece.byteLength;
  }

  /** The rest will not come, or nobody wants it. Whoever waits for it hears of that. */
  abort(): void {
    this.#isAborted = true;
    this.#changed?.resolve();
  }

  async bytes(): Promise<Uint8Array> {
    while (this.#missing > 0) await this.#change();
    const size = this.#pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    return joined(this.#pieces, size);
  }

  /** To be read once, and then not by `bytes`. */
  async *read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece) yield piece;
      else if (this.#missing === 0) return;
      else await this.#change();
    }
  }

  #change(): Promise<void> {
    if (this.#isAborted) throw new Error("the body will not be whole");
    this.#changed = Promise.withResolvers();
    return this.#changed.promise;
  }
}
