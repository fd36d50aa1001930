/** One plain request in hand: its body as far as it came, and whoever is to have the answer. */
import type { Answer, Asker, HeaderLookup, Incoming } from "../message.ts";
import { Arriving } from "./arriving.ts";
import { owned } from "./bytes.ts";
import type { Head } from "./head.ts";

/** Whom a request's answer goes to. */
export interface Caller {
  answered(request: FastRequest, answer: Answer): void;
  failed(request: FastRequest, cause: unknown): void;
}

/** Up to this size a copy costs less than a view. */
const COPIED_BYTES_MAX = 900;

export class FastRequest implements Incoming, Asker {
  readonly url: string;
  readonly headers: HeaderLookup;
  readonly whole: Uint8Array | undefined;
  readonly #arriving: Arriving | undefined;
  readonly #caller: Caller;

  /** `bytes` begin with the request: all of its head, and its body as far as that is there. */
  constructor(caller: Caller, { text, target, headers, contentLength }: Head, bytes: Buffer) {
    this.url = target;
    this.headers = headers;
    this.#caller = caller;
    const bodyAt = text.length;
    const end = bodyAt + contentLength;
    if (bytes.byteLength < end) {
      this.#arriving = new Arriving(contentLength);
      this.#arriving.add(bytes.subarray(bodyAt));
    } else if (contentLength > COPIED_BYTES_MAX) this.whole = owned(bytes.subarray(bodyAt, end));
    else {
      this.whole = new Uint8Array(contentLength);
      bytes.copy(this.whole, 0, bodyAt, end);
    }
  }

  /** Of the body, in bytes. */
  get missing(): number {
    return this.#arriving?.missing ?? 0;
  }

  /** Takes as much of `bytes` as is missing; returns how much that was. */
  add(bytes: Buffer): number {
    return this.#arriving?.add(bytes) ?? 0;
  }

  /** The rest of the body will not come, or nobody wants it. */
  abort(): void {
    this.#arriving?.abort();
  }

  bytes(): Promise<Uint8Array> {
    return this.#arriving?.bytes() ?? Promise.resolve(this.whole!);
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#arriving?.read() ?? once(this.whole!);
  }

  answer(answer: Answer): void {
    this.#caller.answered(this, answer);
  }

  fail(cause: unknown): void {
    this.#caller.failed(this, cause);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
