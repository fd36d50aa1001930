/** Reads requests' bodies: never more of one than the limit, never for longer than the time for it, and no more of all than is admitted. */
import type { Ingest } from "../ingest/index.ts";
import { type Linked, OldestFirst } from "../oldest-first.ts";
import type { Refused } from "../outcome.ts";
import type { Incoming } from "./message.ts";

/** `tooLarge.actual` is what is known of the size: what the client announced, or what came before reading stopped. */
export type Body =
  | { readonly bytes: Uint8Array }
  | { readonly tooLarge: { readonly actual: number } }
  | { readonly isLate: true; readonly timeoutMs: number }
  | { readonly refused: Refused }
  | { readonly isAborted: true };

/** Whoever waits for a body. */
export interface BodyReceiver extends Linked<BodyReceiver> {
  /** On the monotonic clock, in ms. */
  readonly startedAt: number;
  /** Called once, and must not throw. */
  onBody(body: Body): void;
}

type Admission = Pick<Ingest["admission"], "admitBody" | "releaseBody" | "isCrowdedByBodies">;

const SWEEP_INTERVAL_MS = 500;
/** For a body while others need its room: some hundred slow clients could keep out everybody else's for the whole timeout. */
const CROWDED_TIMEOUT_MS = 2000;
/**
 * Announced bodies up to this size are read in one go and counted nowhere. Larger ones are read piece by piece, and counted as they
 * come: what is only announced takes nobody's room.
 */
const WHOLE_BYTES_MAX = 16_384;
/** The client went away in the middle, or has its answer: there is nobody to answer. */
const ABORTED: Body = { isAborted: true };

export class BodyReader {
  readonly #timeoutMs: number;
  readonly #admission: Admission;
  /** One timer for all: a timer a request would cost more than reading it. */
  readonly #waiting = new OldestFirst<BodyReceiver>();

  constructor(timeoutMs: number, admission: Admission) {
    this.#timeoutMs = timeoutMs;
    this.#admission = admission;
    setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  read(request: Incoming, maxBytes: number, receiver: BodyReceiver): void {
    const size = request.whole?.byteLength ?? announcedSize(request);
    if (size > maxBytes) receiver.onBody({ tooLarge: { actual: size } });
    else if (request.whole) receiver.onBody(this.#came(request.whole));
    else if (size <= WHOLE_BYTES_MAX) this.#readWhole(request, receiver);
    else {
      this.#waiting.add(receiver);
      this.#readChunks(request, maxBytes, receiver).then(
        (body) => this.#end(receiver, body),
        () => this.#end(receiver, ABORTED),
      );
    }
  }

  /** It came with its head, so there is nothing to wait for; but a large one is refused where one that is still to come would be. */
  #came(bytes: Uint8Array): Body {
    const refused = bytes.byteLength > WHOLE_BYTES_MAX ? this.#admission.admitBody(bytes.byteLength) : undefined;
    if (refused) return { refused };
    if (bytes.byteLength > WHOLE_BYTES_MAX) this.#admission.releaseBody(bytes.byteLength);
    return { bytes };
  }

  #readWhole(request: Incoming, receiver: BodyReceiver): void {
    this.#waiting.add(receiver);
    request.bytes().then(
      (bytes) => this.#end(receiver, { bytes }),
      () => this.#end(receiver, ABORTED),
    );
  }

  /** Piece by piece; no more of it than `maxBytes`. */
  async #readChunks(request: Incoming, maxBytes: number, receiver: BodyReceiver): Promise<Body> {
    if (request.body === null) return { bytes: new Uint8Array(0) };
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of request.body) {
        // Leaving the loop cancels the stream: the rest is not taken in. Nor is it where nobody waits any more.
        if (size + chunk.byteLength > maxBytes) return { tooLarge: { actual: size + chunk.byteLength } };
        const refused = this.#admission.admitBody(chunk.byteLength);
        if (refused) return { refused };
        size += chunk.byteLength;
        chunks.push(chunk);
        if (!receiver.isLinked) return ABORTED;
      }
      return { bytes: joined(chunks, size) };
    } finally {
      this.#admission.releaseBody(size);
    }
  }

  #end(receiver: BodyReceiver, body: Body): void {
    if (this.#waiting.remove(receiver)) receiver.onBody(body);
  }

  #sweep(): void {
    const { isCrowdedByBodies } = this.#admission;
    const timeoutMs = isCrowdedByBodies ? Math.min(CROWDED_TIMEOUT_MS, this.#timeoutMs) : this.#timeoutMs;
    const oldest = performance.now() - timeoutMs;
    for (let receiver = this.#waiting.oldest; receiver !== undefined; receiver = this.#waiting.oldest) {
      if (receiver.startedAt > oldest) return;
      this.#end(receiver, { isLate: true, timeoutMs });
    }
  }
}

function announcedSize({ headers }: Incoming): number {
  const announced = headers.get("content-length");
  return announced === null ? Number.NaN : Number(announced);
}

export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
