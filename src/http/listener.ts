/**
 * The listening socket: one, and one more in every other process of `--processes`; or with TLS for a moment two, when a new certificate
 * takes over. Bun does not take a certificate into a listener that runs (`reload({ tls })` is ignored, oven-sh/bun#43815), so a second one
 * is opened on the same port and the first is stopped; what it has in hand it finishes.
 *
 * Where the application has a fast path, and there is no TLS, clients see the fast path's socket, and the application listens behind it.
 */
import type { AnyElysia } from "elysia";
import type { Log } from "../log.ts";
import { type FastRoutes, Front, type OwnSocket, ownSocket } from "./fast/index.ts";
import type { Site } from "./index.ts";
import { readTls, type Tls, type TlsFiles } from "./tls.ts";

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Whether other processes of the same serve listen there, too: this one is the first of them, or comes to the others. */
  readonly sharing: "no" | "begin" | "join";
  /** Without it: plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  readonly log: Log;
}

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Reads certificate and key again. Where they cannot be taken, the old ones stay, and that is logged. */
  readonly reloadTls: () => void;
  /** Refuses new connections and waits up to `timeoutMs` for the requests in hand, then cuts what is left. */
  readonly stop: (timeoutMs: number) => Promise<void>;
}

type Server = Bun.Server<unknown>;

/** Where clients are served. */
interface Public {
  readonly hostname: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Longer than any deadline: Bun resets a connection whose request waits longer than this for its answer. */
const MAX_IDLE_S = 255;
const HAND_OVER_MS = 20;

/** Throws where the address cannot be had, and `UsageError` where the certificate cannot. */
export function listen({ app, fast }: Site, options: ListenOptions): Listening {
  return new Listener(app, fast, options);
}

class Listener implements Listening {
  readonly #app: AnyElysia;
  readonly #options: ListenOptions;
  readonly #front: Front | undefined;
  readonly #behind: OwnSocket | undefined;
  readonly url: string;
  readonly port: number;
  #current: Server;
  /** Stopped, with requests still in hand. */
  readonly #draining = new Set<Server>();
  #isStopped = false;

  constructor(app: AnyElysia, fast: FastRoutes | undefined, options: ListenOptions) {
    this.#app = app;
    this.#options = options;
    const tls = options.tls && readTls(options.tls);
    if (options.sharing !== "join") probe(options);
    const host = options.host.replace(/^\[(.*)\]$/, "$1");
    if (fast && !tls) {
      this.#behind = ownSocket();
      this.#current = this.#open({ unix: this.#behind.path });
      this.#front = this.#openFront(fast, this.#behind, host);
      this.port = this.#front.port;
    } else {
      this.#current = this.#open(this.#publicly(options.port, tls));
      // Kept: a stopped server says 0.
      this.port = this.#current.port!;
    }
    this.url = `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  #openFront(fast: FastRoutes, behind: OwnSocket, hostname: string): Front {
    const { port, sharing } = this.#options;
    try {
      const idleTimeoutS = MAX_IDLE_S;
      return new Front({ ...fast, behind: behind.path, hostname, port, reusePort: sharing !== "no", idleTimeoutS });
    } catch (cause) {
      void this.#current.stop(true);
      behind.remove();
      throw cause;
    }
  }

  #publicly(port: number, tls: Tls | undefined): Public {
    return {
      hostname: this.#options.host,
      port,
      // A second server on the port must fail, not share it in silence; where it can be shared, `probe` sees to that.
      reusePort: tls !== undefined || this.#options.sharing !== "no",
      ...(tls && { tls: { cert: tls.cert, key: tls.key } }),
    };
  }

  #open(place: Public | { readonly unix: string }): Server {
    // Elysia adds a listener here that keeps its server for ever, for a way of ending that no command takes.
    const before = new Set(process.listeners("beforeExit"));
    const options = {
      ...place,
      // Bun's types leave it out for unix sockets; Bun does not.
      idleTimeout: MAX_IDLE_S,
      // Our own limit answers, in words; Bun's would send an empty 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    };
    this.#app.listen(options as Parameters<AnyElysia["listen"]>[0]);
    for (const hook of process.listeners("beforeExit")) if (!before.has(hook)) process.off("beforeExit", hook);
    return this.#app.server as Server;
  }

  readonly reloadTls = (): void => {
    const { tls: files, log } = this.#options;
    if (!files || this.#isStopped) return;
    try {
      const tls = readTls(files);
      const old = this.#current;
      this.#current = this.#open(this.#publicly(this.port, tls));
      this.#draining.add(old);
      void old.stop(false).finally(() => this.#draining.delete(old));
      log.info({ fingerprint: tls.fingerprint, valid_to: tls.validTo }, "took the new certificate");
    } catch (cause) {
      log.error({ reason: (cause as Error).message }, "the certificate stays as it is: the new one cannot be taken");
    }
  };

  readonly stop = async (timeoutMs: number): Promise<void> => {
    this.#isStopped = true;
    const servers = [this.#current, ...this.#draining];
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const timer = setTimeout(() => resolve("late"), timeoutMs);
    const end = await Promise.race([this.#end(servers), late]);
    clearTimeout(timer);
    if (end === "late") {
      this.#front?.cut();
      await Promise.all(servers.map((server) => server.stop(true)));
    }
    this.#behind?.remove();
  };

  async #end(servers: readonly Server[]): Promise<void> {
    const finished = this.#front?.finish();
    // What the front has just handed over has to reach the server before that closes what it takes for idle.
    if (finished) await Bun.sleep(HAND_OVER_MS);
    await Promise.all([finished, ...servers.map((server) => server.stop(false))]);
  }
}

/**
 * A port that is to be shared with one's own would be shared with another server's as well. So first it is opened
 * for a moment as what cannot be shared, which fails where anybody has it.
 */
function probe({ host, port }: ListenOptions): void {
  if (port === 0) return;
  void Bun.serve({ hostname: host, port, reusePort: false, fetch: () => new Response() }).stop(true);
}
