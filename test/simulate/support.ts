/** What the simulator's tests share: a server that acks, servers made of raw sockets, and the real command as a process. */
import { createServer, type Socket } from "node:net";
import type { Summary } from "../../src/simulate/index.ts";

export function receipt(id: string): Response {
  return Response.json({ id, status: "acked", topic: "events", partition: 0, offset: null }, { status: 202 });
}

export function problem(status: number, code: string): Response {
  const body = JSON.stringify({ type: "about:blank", title: code, status, code });
  return new Response(body, { status, headers: { "content-type": "application/problem+json" } });
}

export interface TestServer extends Disposable {
  readonly url: string;
  /** Bodies in the order in which they came. */
  readonly bodies: string[];
}

export function serveEvents(answer: (id: string, index: number) => Response | Promise<Response>): TestServer {
  const bodies: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    reusePort: false,
    async fetch(request) {
      if (request.method !== "POST" || new URL(request.url).pathname !== "/register_event")
        return new Response("", { status: 404 });
      if (request.headers.get("content-type") !== "application/json") return problem(415, "wrong_content_type");
      const body = await request.text();
      bodies.push(body);
      return answer((JSON.parse(body) as { id: string }).id, bodies.length - 1);
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { url, bodies, [Symbol.dispose]: () => void server.stop(true) };
}

/** A server that speaks whatever `onConnection` makes it speak. */
export async function listenRaw(
  onConnection: (socket: Socket) => void,
): Promise<Disposable & { readonly url: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, [Symbol.dispose]: () => void server.close() };
}

/** An address that refuses connections: port 1 is nobody's, and unlike one that was just given back it stays so. */
export const deadUrl = "http://127.0.0.1:1";

export const projectFolder = new URL("../..", import.meta.url).pathname;

export function spawnSimulate(flags: readonly string[]) {
  return Bun.spawn([process.execPath, "src/simulate.ts", ...flags], {
    cwd: projectFolder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function finish(child: ReturnType<typeof spawnSimulate>): Promise<Finished> {
  const [exitCode, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  return { exitCode, stdout, stderr };
}

export function runSimulate(...flags: readonly string[]): Promise<Finished> {
  return finish(spawnSimulate(flags));
}

/** The one JSON object that `--json` prints. */
export function summaryOf(finished: Finished): Summary {
  return JSON.parse(finished.stdout) as Summary;
}
