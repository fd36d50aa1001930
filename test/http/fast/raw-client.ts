/** A client that says exactly what it is told to, and hears exactly what comes back. */

export interface RawAnswer {
  readonly status: number;
  /** Lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const NOTHING = Buffer.alloc(0);

type End = "open" | "ended" | "cut";

export class RawClient {
  readonly #socket: Bun.Socket<undefined>;
  #received: Buffer = NOTHING;
  #unsent: Uint8Array = NOTHING;
  #end: End = "open";
  #changed = Promise.withResolvers<void>();

  static async connect(port: number): Promise<RawClient> {
    const client = Promise.withResolvers<RawClient>();
    await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        open: (socket) => client.resolve(new RawClient(socket)),
        data: async (_, bytes) => (await client.promise).#hear(bytes),
        drain: async () => (await client.promise).#write(),
        end: async () => (await client.promise).#finish("ended"),
        close: async () => (await client.promise).#finish("cut"),
        error: async () => (await client.promise).#finish("cut"),
      },
    });
    return client.promise;
  }

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  send(bytes: string | Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(bytes as string)]);
    this.#write();
  }

  /** Sends no more, but listens. */
  endSending(): void {
    this.#socket.shutdown();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Leaves without a word. */
  cut(): void {
    this.#socket.terminate();
  }

  /** The next answer; throws where the connection ends before it is whole. */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const headEnd = this.#received.indexOf("\r\n\r\n");
      const head = this.#received.toString("latin1", 0, Math.max(0, headEnd));
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const end = headEnd + 4 + length;
      if (headEnd !== -1 && this.#received.byteLength >= end) {
        const body = this.#received.toString("utf8", headEnd + 4, end);
        this.#received = this.#received.byteLength === end ? NOTHING : this.#received.subarray(end);
        return { status: Number(head.slice(9, 12)), headers: headersOf(head), body };
      }
      if (this.#end !== "open")
        throw new Error(`the connection was ${this.#end} with ${this.#received.byteLength} bytes`);
      await this.#changed.promise;
    }
  }

  /** Until that has come; throws where the connection ends before. */
  async heard(text: string): Promise<void> {
    while (!this.#received.includes(text)) {
      if (this.#end !== "open") throw new Error(`the connection was ${this.#end}`);
      await this.#changed.promise;
    }
  }

  /** How the connection ended. */
  async ended(): Promise<Exclude<End, "open">> {
    while (this.#end === "open") await this.#changed.promise;
    return this.#end;
  }

  #write(): void {
    const sent = this.#socket.write(this.#unsent);
    // Not an empty view, which would keep all of it in memory.
    this.#unsent = sent === this.#unsent.byteLength ? NOTHING : this.#unsent.subarray(Math.max(0, sent));
  }

  #hear(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    this.#change();
  }

  #finish(end: Exclude<End, "open">): void {
    if (this.#end === "open") this.#end = end;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function headersOf(head: string): Map<string, string> {
  const lines = head.split("\r\n").slice(1);
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
}
