/**
 * The fast path: the listening socket that clients see, for plain HTTP. A request of the usual form (`head.ts` says which) is read,
 * handled and answered without Bun's HTTP server, which takes a third to a half more CPU for it; every other goes there, with its connection
 * (`relay.ts`), so that what is unusual has one reader, and that a proven one.
 */
import { turnMs } from "../../clock.ts";
import { type ClientSocket, Connection, type Desk } from "./connection.ts";
import { HeadReader } from "./head.ts";
import { Printer } from "./printer.ts";

export { type OwnSocket, ownSocket } from "./own-socket.ts";

/** What the application wants to be asked here. */
export type FastRoutes = Pick<Desk, "routes" | "room" | "failed">;

export interface FrontOptions extends FastRoutes {
  readonly hostname: string;
  readonly port: number;
  /** Other processes listen there, too. */
  readonly reusePort: boolean;
  readonly behind: string;
  /** In seconds, for a connection on which nothing moves. */
  readonly idleTimeoutS: number;
}

const SWEEP_INTERVAL_MS_MAX = 5000;

export class Front {
  readonly #listener: Bun.TCPSocketListener<Connection>;
  readonly #connections = new Set<Connection>();
  readonly #sweeper: NodeJS.Timeout;
  #isFinishing = false;
  #open = 0;
  readonly #finished = Promise.withResolvers<void>();

  /** Throws where the address cannot be had. */
  constructor({ hostname, port, reusePort, idleTimeoutS, ...options }: FrontOptions) {
    const idleMs = idleTimeoutS * 1000;
    const own = { heads: new HeadReader(), printer: new Printer(), onDone: () => this.#done() };
    const desk: Desk = { ...options, ...own, idleMs };
    const listening = {
      hostname,
      port,
      // Bun takes it, as in `Bun.connect`; its types name it only there.
      reusePort,
      allowHalfOpen: true,
      socket: {
        open: (socket: ClientSocket) => this.#opened(socket, desk),
        data: (socket: ClientSocket, bytes: Buffer) => socket.data.onData(bytes),
        drain: (socket: ClientSocket) => socket.data.onDrain(),
        end: (socket: ClientSocket) => socket.data.onEnd(),
        close: (socket: ClientSocket) => this.#closed(socket),
        error: (socket: ClientSocket, cause: Error) => {
          options.failed(cause);
          socket.data.cut();
        },
      },
    };
    this.#listener = Bun.listen<Connection>(listening);
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(SWEEP_INTERVAL_MS_MAX, idleMs / 4));
    this.#sweeper.unref();
  }

  get port(): number {
    return this.#listener.port;
  }

  /**
   * Takes no new connections, answers what is in hand, and resolves when every connection has had its last answer. Those that were handed over the
   * server behind must end.
   */
  finish(): Promise<void> {
    this.#isFinishing = true;
    this.#listener.stop(false);
    for (const connection of this.#connections) connection.finish();
    this.#checkFinished();
    return this.#finished.promise;
  }

  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  #opened(socket: ClientSocket, desk: Desk): void {
    socket.data = new Connection(socket, desk);
    this.#connections.add(socket.data);
    this.#open++;
    if (this.#isFinishing) socket.data.finish();
  }

  #done(): void {
    this.#open--;
    this.#checkFinished();
  }

  #closed(socket: ClientSocket): void {
    socket.data.onClose();
    this.#connections.delete(socket.data);
    this.#checkFinished();
  }

  #checkFinished(): void {
    if (!this.#isFinishing || this.#open > 0) return;
    this.#finished.resolve();
    if (this.#connections.size === 0) clearInterval(this.#sweeper);
  }

  #sweep(): void {
    const now = turnMs();
    for (const connection of this.#connections) connection.sweep(now);
  }
}
