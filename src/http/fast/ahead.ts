/** What a client sends ahead of its turn: counted, and no more than it may, or the client has to wait. */
import { owned } from "./bytes.ts";

export interface Room {
  /** False: there is none. */
  readonly take: (bytes: number) => boolean;
  readonly giveBack: (bytes: number) => void;
}

type Source = Pick<Bun.Socket<unknown>, "pause" | "resume">;

/** Past this, nothing more is read until its turn comes. */
const AHEAD_BYTES_MAX = 65_536;
const NOTHING = Buffer.alloc(0);

export class Ahead {
  readonly #source: Source;
  readonly #room: Room;
  #bytes: Buffer = NOTHING;

  constructor(source: Source, room: Room) {
    this.#source = source;
    this.#room = room;
  }

  get isEmpty(): boolean {
    return this.#bytes.byteLength === 0;
  }

  /** False where there is no room for it: then nothing is kept. */
  hold(bytes: Buffer): boolean {
    if (bytes.byteLength === 0) return true;
    if (!this.#room.take(bytes.byteLength)) {
      this.take();
      return false;
    }
    this.#bytes = this.isEmpty ? owned(bytes) : Buffer.concat([this.#bytes, bytes]);
    if (this.#bytes.byteLength > AHEAD_BYTES_MAX) this.#source.pause();
    return true;
  }

  take(): Buffer {
    const bytes = this.#bytes;
    this.#bytes = NOTHING;
    this.#room.giveBack(bytes.byteLength);
    if (bytes.byteLength > AHEAD_BYTES_MAX) this.#source.resume();
    return bytes;
  }
}
