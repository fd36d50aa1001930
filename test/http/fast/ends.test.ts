/** How connections of the fast path end, by real sockets: from either side, in the middle, and at the stop. */
import { expect, test } from "bun:test";
import type { Incoming } from "../../../src/http/message.ts";
import { echo, Held, makeFront, ok, request } from "./support.ts";

const MB = 1 << 20;

test("who sends no more still gets the answers, and then the end", async () => {
  const held = new Held();
  const { connect } = makeFront(held.take);
  const client = await connect();
  client.send(request("one") + request("two"));
  client.endSending();
  for (const [i, body] of ["one", "two"].entries()) {
    const { asker } = await held.at(i);
    await Bun.sleep(5);
    asker.answer(ok(body));
    expect((await client.answer()).body).toBe(body);
  }
  expect(await client.ended()).not.toBe("open");
});

test("who ends within the second of two requests gets the first one's answer, and then the end", async () => {
  const held = new Held();
  const { connect, front } = makeFront(held.take);
  const client = await connect();
  client.send(request("one") + request("two").slice(0, -1));
  const { asker } = await held.at(0);
  client.endSending();
  await Bun.sleep(10);
  asker.answer(ok("one"));
  expect((await client.answer()).body).toBe("one");
  expect(await client.ended()).not.toBe("open");
  await front.finish();
});

test("the end of a connection takes no answer from a client that is slow to read it", async () => {
  // Small enough for the kernel to take it at once.
  const body = "b".repeat(MB / 4);
  const { connect } = makeFront((_, asker) => asker.answer(ok(body)), { idleTimeoutS: 0.4 });
  const client = await connect();
  client.pause();
  client.send(request("one", ["Connection: close"]));
  await Bun.sleep(1000);
  client.resume();
  expect((await client.answer()).body === body).toBeTrue();
});

test("an answer before the body is read: a small rest is passed over, behind a large one the connection ends", async () => {
  const { connect } = makeFront((_, asker) => asker.answer({ status: 503, headers: {}, body: "no" }));
  const small = await connect();
  for (let i = 0; i < 3; i++) {
    const text = request("b".repeat(20_000));
    small.send(text.slice(0, 200));
    const { status, headers } = await small.answer();
    expect({ status, connection: headers.get("connection") }).toEqual({ status: 503, connection: undefined });
    small.send(text.slice(200));
  }
  const large = await connect();
  // While it is still sending: the answer must not be lost in a reset.
  large.send(request("b".repeat(50 * MB)));
  const { status, headers } = await large.answer();
  expect({ status, connection: headers.get("connection") }).toEqual({ status: 503, connection: "close" });
  expect(await large.ended()).toBe("ended");
});

for (const [what, fields, line] of [
  ["Connection: close", ["Connection: close"], undefined],
  ["HTTP/1.0", [], "POST /take HTTP/1.0"],
] as const) {
  test(`${what}: the answer is the last, and what stands behind is not asked`, async () => {
    const held = new Held();
    const { connect } = makeFront(held.take);
    const client = await connect();
    client.send(request("one", fields, line) + request("two"));
    (await held.at(0)).asker.answer(ok("one"));
    const { headers, body } = await client.answer();
    expect({ body, connection: headers.get("connection") }).toEqual({ body: "one", connection: "close" });
    expect(await client.ended()).toBe("ended");
    expect(held.requests).toHaveLength(1);
  });
}

test("a handler's wish to close is kept, and its own headers go along", async () => {
  const answer = {
    status: 408,
    headers: { "retry-after": "3", "www-authenticate": "Bearer", connection: "close" },
    body: "late",
  };
  const { connect } = makeFront((_, asker) => asker.answer(answer));
  const client = await connect();
  client.send(request("one") + request("two"));
  const { status, headers, body } = await client.answer();
  expect({ status, body, retry: headers.get("retry-after"), www: headers.get("www-authenticate") }).toEqual({
    status: 408,
    body: "late",
    retry: "3",
    www: "Bearer",
  });
  expect(await client.ended()).toBe("ended");
});

for (const how of ["endSending", "cut"] as const) {
  test(`a client that leaves within a body (${how}): whoever reads it hears of that`, async () => {
    const ends: string[] = [];
    const reading = async ({ body }: Incoming) => {
      for await (const _ of body!);
    };
    const { connect, front } = makeFront((incoming) => {
      const read = incoming.headers.get("x-as") === "parts" ? reading(incoming) : incoming.bytes();
      read.then(
        () => ends.push("whole"),
        () => ends.push("aborted"),
      );
    });
    for (const as of ["parts", "bytes"]) {
      const client = await connect();
      client.send(request("b".repeat(100), [`X-As: ${as}`]).slice(0, -1));
      await Bun.sleep(10);
      client[how]();
      await client.ended();
    }
    while (ends.length < 2) await Bun.sleep(1);
    expect(ends).toEqual(["aborted", "aborted"]);
    await front.finish();
  });
}

test("finish: idle connections end, what is in hand is answered, new ones are refused", async () => {
  const held = new Held();
  const { connect, front } = makeFront(held.take);
  const idle = await connect();
  const busy = await connect();
  busy.send(request("one") + request("two"));
  const { asker } = await held.at(0);
  let isFinished = false;
  const finished = front.finish().then(() => (isFinished = true));
  expect(await idle.ended()).toBe("ended");
  expect(
    await connect().then(
      () => "connected",
      () => "refused",
    ),
  ).toBe("refused");
  expect(isFinished).toBeFalse();
  asker.answer(ok("one"));
  const { headers, body } = await busy.answer();
  expect({ body, connection: headers.get("connection") }).toEqual({ body: "one", connection: "close" });
  await finished;
  expect(held.requests).toHaveLength(1);
});

test("finish: a request of which the head has begun to come is waited for", async () => {
  const { connect, front, server } = makeFront(echo);
  const client = await connect();
  client.send(request("one"));
  await client.answer();
  client.send(request("two").slice(0, 30));
  await Bun.sleep(20);
  const finished = front.finish();
  await Bun.sleep(20);
  const stopped = server.stop(false);
  client.send(request("two").slice(30));
  expect((await client.answer()).body).toBe("behind: two");
  expect(await client.ended()).not.toBe("open");
  await Promise.all([finished, stopped]);
});

test("a connection on which nothing moves is cut, at the end of a body's silence too; one that waits for its answer is not", async () => {
  const held = new Held();
  const { connect } = makeFront(held.take, { idleTimeoutS: 0.2 });
  const [silent, halfway, waiting] = [await connect(), await connect(), await connect()];
  halfway.send(request("b".repeat(10)).slice(0, -1));
  waiting.send(request("one"));
  expect([await silent.ended(), await halfway.ended()]).toEqual(["cut", "cut"]);
  await Bun.sleep(300);
  const { asker } = held.requests.find(({ incoming }) => incoming.whole)!;
  asker.answer(ok("one"));
  expect((await waiting.answer()).body).toBe("one");
});
