/**
 * Hands a connection over, with all that has come and will come, to the server that speaks all of HTTP, which listens on a socket of this
 * process's own. Bytes are passed on as they are, in both directions, and no faster than the other side takes them.
 */

type Socket = Bun.Socket<unknown>;

export interface RelayOptions {
  readonly client: Socket;
  /** Where the server listens: the path of a unix socket. */
  readonly path: string;
  /** What the client has sent already. */
  readonly first: Uint8Array;
  /** Something came from the server, or went to the client. */
  readonly onMoved: () => void;
  /** The server has said all, and the client has been told. Called once. */
  readonly onEnd: () => void;
  /** The server is not to be had, and nothing has been said. */
  readonly onFailed: (cause: unknown) => void;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #toServer: Pipe;
  readonly #toClient: Pipe;
  #server: Socket | undefined;
  #isClosed = false;

  constructor(options: RelayOptions) {
    const { client, path, first, onEnd } = options;
    this.#options = options;
    this.#toClient = new Pipe(onEnd, client);
    this.#toServer = new Pipe(() => {});
    this.fromClient(first);
    connecting.begin(() => (this.#isClosed ? Promise.resolve() : this.#connect(path)));
  }

  #connect(path: string): Promise<unknown> {
    const { client, onMoved, onFailed } = this.#options;
    return Bun.connect({
      unix: path,
      allowHalfOpen: true,
      socket: {
        open: (server) => this.#opened(server),
        data: (server, bytes) => {
          onMoved();
          this.#toClient.pass(bytes, server);
        },
        drain: () => this.#toServer.drain(client),
        end: () => this.#toClient.end(),
        close: () => this.#toClient.end(),
        error: () => client.terminate(),
      },
    }).catch((cause) => {
      if (!this.#isClosed) onFailed(cause);
    });
  }

  #opened(server: Socket): void {
    this.#server = server;
    if (this.#isClosed) server.terminate();
    else this.#toServer.open(server, this.#options.client);
  }

  fromClient(bytes: Uint8Array): void {
    this.#toServer.pass(bytes, this.#options.client);
  }

  /** The client takes bytes again. */
  drain(): void {
    if (!this.#server) return;
    this.#options.onMoved();
    this.#toClient.drain(this.#server);
  }

  /** The client sends nothing more. */
  clientEnded(): void {
    this.#toServer.end();
  }

  /** The client is gone. */
  close(): void {
    this.#isClosed = true;
    this.#server?.terminate();
  }
}

/**
 * Connects no more at a time than the server's queue holds. Where that is full, a unix socket refuses at once, and does not come back to it
 * like TCP; and the server, which has the same thread, empties it only once a turn.
 */
class Connecting {
  readonly #max: number;
  #count = 0;
  readonly #waiting: (() => Promise<unknown>)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  begin(connect: () => Promise<unknown>): void {
    if (this.#count === this.#max) {
      this.#waiting.push(connect);
      return;
    }
    this.#count++;
    void connect().finally(() => {
      this.#count--;
      const next = this.#waiting.shift();
      if (next) this.begin(next);
    });
  }
}

/** Bun listens with room for 512, of which some systems leave 128 (`net.core.somaxconn`); and those of one turn may be followed by as many in the same. */
const connecting = new Connecting(64);

/** One direction. The source stands still while there are bytes that the target has not taken. */
class Pipe {
  readonly #onEnd: () => void;
  #target: Socket | undefined;
  /** In the order they came. */
  readonly #held: Uint8Array[] = [];
  #isEnding = false;
  #hasEnded = false;

  constructor(onEnd: () => void, target?: Socket) {
    this.#onEnd = onEnd;
    this.#target = target;
  }

  open(target: Socket, source: Socket): void {
    this.#target = target;
    this.drain(source);
  }

  pass(bytes: Uint8Array, source: Socket): void {
    const sent = this.#held.length === 0 ? this.#send(bytes) : 0;
    if (sent === bytes.byteLength) return;
    this.#held.push(bytes.subarray(sent));
    source.pause();
  }

  drain(source: Socket): void {
    for (let bytes = this.#held[0]; bytes !== undefined; bytes = this.#held[0]) {
      const sent = this.#send(bytes);
      if (sent < bytes.byteLength) {
        this.#held[0] = bytes.subarray(sent);
        return;
      }
      this.#held.shift();
    }
    if (this.#isEnding) this.#end();
    else source.resume();
  }

  /** No more will come; the target is told behind what is held. */
  end(): void {
    this.#isEnding = true;
    if (this.#target && this.#held.length === 0) this.#end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#target?.shutdown();
    this.#onEnd();
  }

  /** How much was taken; by a target that is closed, all: there is nobody to keep it for. */
  #send(bytes: Uint8Array): number {
    if (!this.#target) return 0;
    const sent = this.#target.write(bytes);
    return sent < 0 ? bytes.byteLength : sent;
  }
}
