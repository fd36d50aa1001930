/** The beginning of a head, while the rest is on its way. */
import { copied } from "./bytes.ts";

const NOTHING = Buffer.alloc(0);

export class Beginning {
  #bytes: Buffer = NOTHING;
  /** When the first of it came, in ms; it stays that of the first while the head comes in more pieces. */
  #sinceMs: number | undefined;

  get isEmpty(): boolean {
    return this.#bytes.byteLength === 0;
  }

  /** A copy: the rest of what it came with is done with. */
  keep(bytes: Buffer, nowMs: number): void {
    this.#bytes = copied(bytes);
    this.#sinceMs ??= nowMs;
  }

  take(): Buffer {
    const bytes = this.#bytes;
    this.#bytes = NOTHING;
    return bytes;
  }

  /** The head is there. */
  forget(): void {
    this.#sinceMs = undefined;
  }

  /** For how long it has been coming, in ms; 0 where there is none. */
  ageMs(nowMs: number): number {
    return this.isEmpty || this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs;
  }
}
