/** Reads requests' bodies: never more of one than the limit, and never for longer than the time for it. */

/** `tooLarge.actual` is what is known of the size: what the client announced, or what came before reading stopped. */
export type Body =
  | { readonly bytes: Uint8Array }
  | { readonly tooLarge: { readonly actual: number } }
  | { readonly isLate: true }
  | { readonly isAborted: true };

/** Whoever waits for a body. */
export interface BodyReceiver {
  /** On the monotonic clock, in ms. */
  readonly startedAt: number;
  /** Called once, and must not throw. */
  onBody(body: Body): void;
}

const SWEEP_INTERVAL_MS = 500;
const LATE: Body = { isLate: true };
/** The client went away in the middle: there is nobody to answer. */
const ABORTED: Body = { isAborted: true };

export class BodyReader {
  readonly #timeoutMs: number;
  /** Oldest first. One timer for all: a timer a request would cost more than reading it. */
  readonly #waiting = new Set<BodyReceiver>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  read(request: Request, maxBytes: number, receiver: BodyReceiver): void {
    const announced = request.headers.get("content-length");
    if (announced !== null && Number(announced) > maxBytes) {
      receiver.onBody({ tooLarge: { actual: Number(announced) } });
      return;
    }
    this.#waiting.add(receiver);
    const failed = () => this.#end(receiver, ABORTED);
    if (announced === null) readChunks(request, maxBytes).then((body) => this.#end(receiver, body), failed);
    else request.arrayBuffer().then((buffer) => this.#end(receiver, { bytes: new Uint8Array(buffer) }), failed);
  }

  #end(receiver: BodyReceiver, body: Body): void {
    if (this.#waiting.delete(receiver)) receiver.onBody(body);
  }

  #sweep(): void {
    const oldest = performance.now() - this.#timeoutMs;
    for (const receiver of this.#waiting) {
      if (receiver.startedAt > oldest) return;
      this.#end(receiver, LATE);
    }
  }
}

/** A body that does not say its size (chunked): read piece by piece. */
async function readChunks(request: Request, maxBytes: number): Promise<Body> {
  if (request.body === null) return { bytes: new Uint8Array(0) };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream: the rest is not taken in.
    if (size > maxBytes) return { tooLarge: { actual: size } };
    chunks.push(chunk);
  }
  return { bytes: new Uint8Array(Buffer.concat(chunks)) };
}
