/** Reads requests' bodies: never more of one than the limit, and never for longer than the time for it. */

/** `tooLarge.actual` is what is known of the size: what the client announced, or what came before reading stopped. */
export type Body =
  | { readonly bytes: Uint8Array }
  | { readonly tooLarge: { readonly actual: number } }
  | { readonly isLate: true }
  | { readonly isAborted: true };

interface Reading {
  readonly startedAt: number;
  readonly giveUp: () => void;
}

const SWEEP_INTERVAL_MS = 500;

export class BodyReader {
  readonly #timeoutMs: number;
  /** Oldest first. One timer for all: a timer a request would cost more than reading it. */
  readonly #readings = new Set<Reading>();
  readonly #sweeper: Timer;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
    // Whoever forgets `stop` is not kept alive by it.
    this.#sweeper.unref();
  }

  read(request: Request, maxBytes: number): Promise<Body> {
    const announced = request.headers.get("content-length");
    if (announced !== null && Number(announced) > maxBytes)
      return Promise.resolve({ tooLarge: { actual: Number(announced) } });
    return new Promise((resolve) => {
      const reader = announced === null ? request.body?.getReader() : undefined;
      const reading: Reading = {
        startedAt: performance.now(),
        giveUp: () => {
          resolve({ isLate: true });
          reader?.cancel().catch(() => {});
        },
      };
      this.#readings.add(reading);
      const end = (body: Body) => {
        this.#readings.delete(reading);
        resolve(body);
      };
      const body =
        reader === undefined
          ? request.arrayBuffer().then((buffer): Body => ({ bytes: new Uint8Array(buffer) }))
          : readChunks(reader, maxBytes);
      // The client went away in the middle: there is nobody to answer.
      body.then(end, () => end({ isAborted: true }));
    });
  }

  stop(): void {
    clearInterval(this.#sweeper);
  }

  #sweep(): void {
    const oldest = performance.now() - this.#timeoutMs;
    for (const reading of this.#readings) {
      if (reading.startedAt > oldest) return;
      this.#readings.delete(reading);
      reading.giveUp();
    }
  }
}

/** A body that does not say its size (chunked): read piece by piece. */
async function readChunks(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">,
  maxBytes: number,
): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes: new Uint8Array(Buffer.concat(chunks)) };
    size += value.byteLength;
    if (size > maxBytes) {
      // The rest is not taken in.
      void reader.cancel().catch(() => {});
      return { tooLarge: { actual: size } };
    }
    chunks.push(value);
  }
}
