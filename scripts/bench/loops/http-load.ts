/**
 * HTTP load for the guard, where oha may not be at hand: a number of connections, each with one request under way, over plain
 * sockets with the same bytes again and again. A process of its own; its argument is the plan as JSON, it prints a `LoadCount`.
 */
export interface LoadCount {
  readonly seconds: number;
  readonly statuses: Record<string, number>;
}

interface Plan {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly body: string;
}

interface State {
  /** What of an answer has come so far. */
  received: string;
}

const HEAD_END = "\r\n\r\n";

/** The status of the answer that `received` is, once all of it is there. */
export function wholeAnswer(received: string): string | undefined {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, headEnd))?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${received.slice(0, headEnd)}`);
  return received.length >= headEnd + HEAD_END.length + Number(length) ? received.slice(9, 12) : undefined;
}

async function load({ url, connections, seconds, body }: Plan): Promise<LoadCount> {
  const { hostname, port, pathname } = new URL(url);
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  const request = Buffer.from(head.join("\r\n") + HEAD_END + body);
  const statuses: Record<string, number> = {};
  const allDone = Promise.withResolvers<void>();
  let open = connections;
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  const opening = Array.from({ length: connections }, () =>
    Bun.connect<State>({
      hostname,
      port: Number(port),
      data: { received: "" },
      socket: {
        open: (socket) => void socket.write(request),
        data(socket, chunk) {
          socket.data.received += chunk.toString("latin1");
          const status = wholeAnswer(socket.data.received);
          if (status === undefined) return;
          socket.data.received = "";
          statuses[status] = (statuses[status] ?? 0) + 1;
          // What is under way at the end has its answer still counted, as it is counted in the topic.
          if (performance.now() < endMs) socket.write(request);
          else socket.end();
        },
        close: () => {
          if (--open === 0) allDone.resolve();
        },
        error: (_, cause) => allDone.reject(cause),
      },
    }),
  );
  await Promise.all(opening);
  await allDone.promise;
  return { seconds: (performance.now() - startedMs) / 1000, statuses };
}

if (import.meta.main) {
  const count = await load(JSON.parse(process.argv[2] ?? "{}") as Plan);
  await Bun.write(Bun.stdout, JSON.stringify(count));
  process.exit(0);
}
