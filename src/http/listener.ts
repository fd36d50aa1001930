/**
 * The listening socket: one, and one more in every other process of `--processes`; or with TLS for a moment two, when a new certificate takes over. Bun does not take a certificate into a
 * listener that runs (`reload({ tls })` is ignored, oven-sh/bun#43815), so a second one is opened on the same port and the first is
 * stopped; what it has in hand it finishes.
 */
import type { AnyElysia } from "elysia";
import type { Log } from "../log.ts";
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

/** Longer than any deadline: Bun resets a connection whose request waits longer than this for its answer. */
const MAX_IDLE_S = 255;

/** Throws where the address cannot be had, and `UsageError` where the certificate cannot. */
export function listen(app: AnyElysia, options: ListenOptions): Listening {
  return new Listener(app, options);
}

class Listener implements Listening {
  readonly #app: AnyElysia;
  readonly #options: ListenOptions;
  readonly url: string;
  readonly port: number;
  #current: Server;
  /** Stopped, with requests still in hand. */
  readonly #draining = new Set<Server>();
  #isStopped = false;

  constructor(app: AnyElysia, options: ListenOptions) {
    this.#app = app;
    this.#options = options;
    const tls = options.tls && readTls(options.tls);
    if (options.sharing === "begin" || (options.sharing === "no" && tls)) probe(options);
    this.#current = this.#open(options.port, tls);
    // Kept: a stopped server says 0.
    this.port = this.#current.port!;
    const host = this.#current.hostname ?? options.host;
    this.url = `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  #open(port: number, tls: Tls | undefined): Server {
    // Elysia adds a listener here that keeps its server for ever, for a way of ending that no command takes.
    const before = new Set(process.listeners("beforeExit"));
    this.#app.listen({
      hostname: this.#options.host,
      port,
      idleTimeout: MAX_IDLE_S,
      // A second server on the port must fail, not share it in silence; where it can be shared, `probe` sees to that.
      reusePort: tls !== undefined || this.#options.sharing !== "no",
      // Our own limit answers, in words; Bun's would send an empty 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      ...(tls && { tls: { cert: tls.cert, key: tls.key } }),
    });
    for (const hook of process.listeners("beforeExit")) if (!before.has(hook)) process.off("beforeExit", hook);
    return this.#app.server as Server;
  }

  readonly reloadTls = (): void => {
    const { tls: files, log } = this.#options;
    if (!files || this.#isStopped) return;
    try {
      const tls = readTls(files);
      const old = this.#current;
      this.#current = this.#open(this.port, tls);
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
    const end = await Promise.race([Promise.all(servers.map((server) => server.stop(false))), late]);
    clearTimeout(timer);
    if (end === "late") await Promise.all(servers.map((server) => server.stop(true)));
  };
}

/**
 * A port that is to be shared with one's own would be shared with another server's as well. So first it is opened
 * for a moment as what cannot be shared, which fails where anybody has it.
 */
function probe({ host, port }: ListenOptions): void {
  if (port === 0) return;
  void Bun.serve({ hostname: host, port, reusePort: false, fetch: () => new Response() }).stop(true);
}
