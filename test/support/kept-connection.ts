/** A client that keeps its connection, and leaves it when an answer asks for that. */

const BATCH = '{"a":1}\n'.repeat(500);
/** A request with one event, and one with 500. */
export const ONE =
  "POST /register_event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
export const MANY = `POST /register_events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${BATCH.length}\r\n\r\n${BATCH}`;

/** Sends a request again and again until an answer says "connection: close". Resolves to that last status, or "cut". */
export function keptConnection(url: URL, request: string, onAnswer: () => void): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = "";
  let unsent = Buffer.alloc(0);
  const write = (socket: Bun.Socket<undefined>) => {
    unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  };
  const send = (socket: Bun.Socket<undefined>) => {
    unsent = Buffer.from(request);
    write(socket);
  };
  void Bun.connect({
    hostname: url.hostname,
    port: Number(url.port),
    socket: {
      open: send,
      drain: write,
      data(socket, data) {
        received += data.toString("latin1");
        const headEnd = received.indexOf("\r\n\r\n");
        const length = Number(/content-length: *(\d+)/i.exec(received)?.[1]);
        if (headEnd === -1 || received.length < headEnd + 4 + length) return;
        const head = received.slice(0, headEnd);
        received = "";
        onAnswer();
        if (/\r\nconnection: close/i.test(head)) {
          resolve(head.slice(9, 12));
          socket.end();
        } else send(socket);
      },
      close: () => resolve("cut"),
    },
  });
  return promise;
}
