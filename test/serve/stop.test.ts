/** SIGTERM under load, seen from clients that keep their connections and leave them when an answer asks for it. */
import { afterEach, expect, test } from "bun:test";
import { MockCluster } from "../../src/kafka/index.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";

afterEach(killLeftovers);

const BATCH = '{"a":1}\n'.repeat(500);
const ONE = "POST /register_event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
const MANY = `POST /register_events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${BATCH.length}\r\n\r\n${BATCH}`;

/** Sends a request again and again until an answer says "connection: close". Resolves to that last status, or "cut". */
function keptConnection(url: URL, request: string, onAnswer: () => void): Promise<string> {
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

test("no request is cut off: what is taken is acked, the rest is refused in words", async () => {
  const mock = new MockCluster(1);
  mock.createTopic("events", 4);
  const serve = new CommandProcess("serve", { args: ["--kafka-brokers", mock.bootstrap, "--port", "0"] });
  const url = new URL(await urlOf(serve));
  await serve.logged(/found the topic/);
  let answers = 0;
  const connections = Array.from({ length: 60 }, (_, i) => keptConnection(url, i < 40 ? ONE : MANY, () => answers++));
  while (answers < 500) await Bun.sleep(5);
  serve.signal("SIGTERM");
  const last = await Promise.all(connections);
  expect(await serve.ended()).toBe(0);
  expect(last.filter((status) => status !== "202" && status !== "503")).toEqual([]);
  expect(serve.stderr).toMatch(/"given_up_events":0.*"msg":"stopped"/);
  await mock.close();
}, 60_000);
