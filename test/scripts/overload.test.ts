/** What `bun run overload` measures with: its client, against answers as they come over the wire, and serve as it starts it. */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Report } from "../../scripts/overload/client.ts";
import { withServe } from "../../scripts/serve/process.ts";

const CLIENT = join(import.meta.dir, "../../scripts/overload/client.ts");
const CONNECTIONS = 3;
const WARM_UP_MS = 0;
const DURATION_MS = 300;

function answer(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Answers each request in pieces of `pieceBytes`, one a turn of the event loop. */
function answering(text: string, pieceBytes: number): Bun.TCPSocketListener<undefined> {
  const answerBytes = Buffer.from(text);
  return Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async data(socket, request) {
        if (!request.includes("\r\n\r\n")) return;
        for (let at = 0; at < answerBytes.length; at += pieceBytes) {
          socket.write(answerBytes.subarray(at, at + pieceBytes));
          socket.flush();
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    },
  });
}

async function run(url: string, batchEvents: number): Promise<{ code: number; out: string; error: string }> {
  const args = [url, CONNECTIONS, WARM_UP_MS, DURATION_MS, batchEvents].map(String);
  const child = Bun.spawn([process.execPath, CLIENT, ...args], { stdout: "pipe", stderr: "pipe" });
  const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, out, error };
}

async function reportOf(url: string, batchEvents = 1): Promise<Report> {
  const { code, out, error } = await run(url, batchEvents);
  expect([code, error]).toEqual([0, ""]);
  return JSON.parse(out) as Report;
}

let server: Bun.TCPSocketListener<undefined> | undefined;
afterEach(() => server?.stop(true));

test.each([
  ["in one piece", 1000],
  ["in pieces, also within its head", 7],
])("the client takes an answer that comes %s", async (_, pieceBytes) => {
  server = answering(answer("202 Accepted", '{"id":"a","status":"acked"}'), pieceBytes);
  const { accepted, answersByStatus, broken, unanswered } = await reportOf(`http://127.0.0.1:${server.port}/`);
  const answers = answersByStatus[202] ?? 0;
  expect(answers).toBeGreaterThan(CONNECTIONS);
  expect(answersByStatus).toEqual({ 202: answers });
  // The last of each connection may come after the end, and counts no more.
  expect(answers - accepted).toBeWithin(0, CONNECTIONS + 1);
  expect([broken, unanswered]).toEqual([0, 0]);
});

test("the client counts of a batch what its answer says, and nothing of a refusal", async () => {
  server = answering(answer("207 Multi-Status", '{"accepted":12,"refused":3,"unknown":0,"problems":[]}'), 1000);
  const { accepted, answersByStatus } = await reportOf(`http://127.0.0.1:${server.port}/`, 15);
  const answers = answersByStatus[207] ?? 0;
  expect(accepted % 12).toBe(0);
  expect(answers - accepted / 12).toBeWithin(0, CONNECTIONS + 1);
  server.stop(true);
  server = answering(answer("503 Service Unavailable", '{"code":"overloaded"}'), 1000);
  const refused = await reportOf(`http://127.0.0.1:${server.port}/`);
  expect(Object.keys(refused.answersByStatus)).toEqual(["503"]);
  expect(refused.accepted).toBe(0);
});

test("the client ends aloud at an answer that it cannot read", async () => {
  server = answering("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", 1000);
  const { code, error } = await run(`http://127.0.0.1:${server.port}/`, 1);
  expect(code).toBe(1);
  expect(error).toContain("400 Bad Request");
});

test("serve is known to be up in a shell whose LOG_LEVEL keeps it quiet", async () => {
  const before = process.env.LOG_LEVEL;
  process.env.LOG_LEVEL = "error";
  try {
    const status = await withServe(
      ["--kafka-topic", "events"],
      async ({ url }) => (await fetch(`${url}/livez`)).status,
    );
    expect(status).toBe(200);
  } finally {
    if (before === undefined) delete process.env.LOG_LEVEL;
    else process.env.LOG_LEVEL = before;
  }
});
