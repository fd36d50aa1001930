/** Requests over real connections: nothing hangs, nothing throws, nothing is sent twice. */
import { expect, test } from "bun:test";
import { createEventSource } from "../../src/simulate/events.ts";
import { checkConcurrency, eventTarget } from "../../src/simulate/index.ts";
import { createSender, type Sender } from "../../src/simulate/sender.ts";
import { deadUrl, listenRaw, receipt, serveEvents } from "./support.ts";

function senderTo(url: string, timeoutMs = 30_000): Sender & Disposable {
  const sender = createSender(eventTarget(url), timeoutMs);
  return { ...sender, [Symbol.dispose]: () => sender.close() };
}

function answerTo(body: string, status = "202 Accepted"): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

test("the bytes that arrive are the event's own, and connections are kept", async () => {
  const ports = new Set<number | undefined>();
  const arrived: string[] = [];
  using server = serveEvents(receipt);
  using sender = senderTo(`${server.url}/`);
  const source = createEventSource(3);
  for (let i = 0; i < 50; i++) {
    const event = source.next();
    arrived.push(event.body);
    expect(await sender.post(event)).toMatchObject({ kind: "acked" });
  }
  expect(server.bodies).toEqual(arrived);
  using raw = await listenRaw((socket) => {
    ports.add(socket.remotePort);
    socket.on("data", () => socket.write(answerTo('{"code":"busy"}', "503 Busy")));
  });
  using rawSender = senderTo(raw.url);
  for (let i = 0; i < 5; i++) expect(await rawSender.post(source.next())).toMatchObject({ reason: "busy" });
  expect(ports.size).toBe(1);
});

test("nobody listening is a refusal without a connection", async () => {
  using sender = senderTo(deadUrl);
  const outcome = await sender.post(createEventSource(1).next());
  expect(outcome).toEqual({ kind: "refused", reason: "connection_refused", isConnected: false });
});

test("a connection that breaks after the event was sent leaves it unknown, and the event is not sent again", async () => {
  let requests = 0;
  using server = await listenRaw((socket) => {
    let onThisConnection = 0;
    socket.on("data", () => {
      requests++;
      // The second request comes over a kept connection, where HTTP clients are tempted to repeat it.
      if (++onThisConnection === 1) socket.write(answerTo("{}"));
      else socket.destroy();
    });
  });
  using sender = senderTo(server.url);
  const source = createEventSource(1);
  expect(await sender.post(source.next())).toMatchObject({ kind: "unknown", reason: "bad_receipt" });
  expect(await sender.post(source.next())).toMatchObject({ kind: "unknown", reason: "connection_reset" });
  expect(requests).toBe(2);
});

test("a receipt that breaks off leaves the event unknown", async () => {
  using server = await listenRaw(
    (socket) => void socket.on("data", () => socket.end('HTTP/1.1 202 OK\r\nContent-Length: 99\r\n\r\n{"id"')),
  );
  using sender = senderTo(server.url);
  expect(await sender.post(createEventSource(1).next())).toMatchObject({ kind: "unknown", reason: "connection_reset" });
});

test("a redirect is not followed", async () => {
  using server = serveEvents(
    (_, index) => new Response(null, { status: 307, headers: { location: index === 0 ? "/register_event" : "/" } }),
  );
  using sender = senderTo(server.url);
  expect(await sender.post(createEventSource(1).next())).toMatchObject({ kind: "refused", reason: "http_307" });
  expect(server.bodies.length).toBe(1);
});

test("no answer in time is unknown, and the next request over the same slot works", async () => {
  using server = serveEvents((id, index) => (index === 0 ? new Promise<Response>(() => {}) : receipt(id)));
  using sender = senderTo(server.url, 100);
  const source = createEventSource(1);
  expect(await sender.post(source.next())).toEqual({ kind: "unknown", reason: "timeout", isConnected: true });
  expect(await sender.post(source.next())).toMatchObject({ kind: "acked" });
});

test("what is broken off is unknown for the reason given", async () => {
  const arrived = Promise.withResolvers<void>();
  using server = serveEvents(() => {
    arrived.resolve();
    return new Promise<Response>(() => {});
  });
  using sender = senderTo(server.url);
  const outcome = sender.post(createEventSource(1).next());
  await arrived.promise;
  sender.abortAll("interrupted");
  expect(await outcome).toMatchObject({ kind: "unknown", reason: "interrupted" });
});

test("the target keeps a path and a query, and shows no password", () => {
  expect(eventTarget("http://h:1").href).toBe("http://h:1/register_event");
  expect(eventTarget("http://user:secret@h:1/a/?key=k#x").href).toBe("http://h:1/a/register_event?key=k");
});

test("more requests at once than Bun's fetch sends are refused, unless Bun was told", () => {
  expect(() => checkConcurrency(256, undefined)).not.toThrow();
  expect(() => checkConcurrency(257, undefined)).toThrow("BUN_CONFIG_MAX_HTTP_REQUESTS=257");
  expect(() => checkConcurrency(1_000, "1000")).not.toThrow();
  expect(() => checkConcurrency(1_001, "1000")).toThrow("at most 1000");
});
