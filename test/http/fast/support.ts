/** A front with one path, `/take`, whose requests a test answers, and a server behind it that says what it got. */
import { afterEach } from "bun:test";
import { type FastRoutes, Front, ownSocket } from "../../../src/http/fast/index.ts";
import { type Answer, type Asker, type Handler, type Incoming, JSON_TYPE } from "../../../src/http/message.ts";
import { RawClient } from "./raw-client.ts";

export function request(body: string, fields: readonly string[] = [], line = "POST /take HTTP/1.1"): string {
  return [line, "Host: x", `Content-Length: ${Buffer.byteLength(body)}`, ...fields, "", body].join("\r\n");
}

export const ok = (body: string): Answer => ({ status: 202, headers: JSON_TYPE, body });

/** Answers with the body, once it is there. */
export const echo: Handler = (incoming, asker) => {
  if (incoming.whole) asker.answer(ok(new TextDecoder().decode(incoming.whole)));
  else incoming.bytes().then((bytes) => asker.answer(ok(new TextDecoder().decode(bytes))), ignore);
};

const ignore = () => {};

/** Requests in hand, to be answered by hand. */
export class Held {
  readonly requests: { readonly incoming: Incoming; readonly asker: Asker }[] = [];
  #came = Promise.withResolvers<void>();

  readonly take: Handler = (incoming, asker) => {
    this.requests.push({ incoming, asker });
    this.#came.resolve();
    this.#came = Promise.withResolvers();
  };

  /** The n-th request, from 0. */
  async at(n: number) {
    while (this.requests.length <= n) await this.#came.promise;
    return this.requests[n]!;
  }
}

interface Settings {
  readonly idleTimeoutS?: number;
  readonly room?: FastRoutes["room"];
  readonly failed?: FastRoutes["failed"];
  /** Of the server behind. */
  readonly fetch?: (request: Request) => Response | Promise<Response>;
}

const cleaners: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleaners.splice(0)) clean();
});

export function makeFront(handler: Handler, settings: Settings = {}) {
  const { path } = ownSocket();
  const fetch = settings.fetch ?? (async (request) => new Response(`behind: ${await request.text()}`));
  const server = Bun.serve({ unix: path, fetch });
  let held = 0;
  const counting: FastRoutes["room"] = {
    take: (bytes) => {
      held += bytes;
      return true;
    },
    giveBack: (bytes) => {
      held -= bytes;
    },
  };
  const front = new Front({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    behind: path,
    idleTimeoutS: settings.idleTimeoutS ?? 60,
    routes: new Map([["/take", handler]]),
    room: settings.room ?? counting,
    failed: settings.failed ?? ((cause) => ({ status: 500, headers: {}, body: String(cause) })),
  });
  cleaners.push(() => {
    void front.finish();
    front.cut();
    void server.stop(true);
  });
  return {
    front,
    server,
    /** Bytes that are held for later, of all connections. */
    held: () => held,
    connect: () => RawClient.connect(front.port),
  };
}
