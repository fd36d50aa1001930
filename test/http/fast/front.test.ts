/** Connections of the fast path, by real sockets: framing, order, limits. */

import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import type { Incoming } from "../../../src/http/message.ts";
import { echo, Held, makeFront, ok, request } from "./support.ts";

const MB = 1 << 20;

test("a plain request is answered without the server behind; every other by it, and so is what follows that", async () => {
  const { connect } = makeFront(echo);
  const client = await connect();
  client.send(request("one"));
  const { status, headers, body } = await client.answer();
  expect({ status, body }).toEqual({ status: 202, body: "one" });
  expect([...headers.keys()].sort()).toEqual(["content-length", "content-type", "date"]);
  expect(Math.abs(Date.parse(headers.get("date")!) - Date.now())).toBeLessThan(2500);
  client.send(request("two", [], "POST /other HTTP/1.1"));
  expect((await client.answer()).body).toBe("behind: two");
  client.send(request("three"));
  expect((await client.answer()).body).toBe("behind: three");
});

test("what is unusual is answered as ever: chunks, an expectation", async () => {
  const { connect } = makeFront(echo);
  const head = "POST /take HTTP/1.1\r\nHost: x\r\n";
  const chunked = await connect();
  chunked.send(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
  expect((await chunked.answer()).body).toBe("behind: abc");
  const careful = await connect();
  careful.send(`${head}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
  expect((await careful.answer()).status).toBe(100);
  careful.send("abc");
  expect((await careful.answer()).body).toBe("behind: abc");
});

test("a head comes in pieces of any size", async () => {
  const { connect } = makeFront(echo);
  const client = await connect();
  const text = request("abc");
  for (let cut = 1; cut < text.length; cut++) {
    client.send(text.slice(0, cut));
    await Bun.sleep(0);
    client.send(text.slice(cut) + text.slice(0, cut));
    await Bun.sleep(0);
    client.send(text.slice(cut));
    for (let i = 0; i < 2; i++) expect((await client.answer()).body).toBe("abc");
  }
});

test("what has not even begun like a plain request goes to the server behind at once", async () => {
  const { connect } = makeFront(echo);
  const client = await connect();
  client.send("GE");
  client.send("T / HTTP/1.1\r\nHost: x\r\n\r\n");
  expect((await client.answer()).body).toBe("behind: ");
});

test("a head that does not end is left to the server behind after a while", async () => {
  const { connect } = makeFront(echo, { idleTimeoutS: 1.5 });
  const client = await connect();
  const text = request("abc");
  // Byte for byte, so that it is never idle, and for longer than half of that.
  for (const byte of text) {
    client.send(byte);
    await Bun.sleep(30);
  }
  expect((await client.answer()).body).toBe("behind: abc");
});

test("a body comes in pieces of any size", async () => {
  const { connect } = makeFront(echo);
  const client = await connect();
  for (const size of [0, 1, 7, 900, 901, 2000, 20_000]) {
    const body = "b".repeat(size);
    const text = request(body);
    const headEnd = text.length - size;
    for (const cut of new Set([
      headEnd,
      Math.min(headEnd + 1, text.length),
      Math.max(headEnd, text.length - 1),
      text.length,
    ])) {
      client.send(text.slice(0, cut));
      await Bun.sleep(1);
      client.send(text.slice(cut));
      expect((await client.answer()).body).toBe(body);
    }
  }
});

test("a large body is read piece by piece, as it comes", async () => {
  const { connect } = makeFront(async (incoming, asker) => {
    const isWhole = incoming.whole !== undefined;
    asker.answer(ok(JSON.stringify({ size: await readAll(incoming), isWhole })));
  });
  const client = await connect();
  client.send(request("b".repeat(20 * MB)));
  expect(JSON.parse((await client.answer()).body)).toEqual({ size: 20 * MB, isWhole: false });
  client.send(request("b"));
  expect(JSON.parse((await client.answer()).body)).toEqual({ size: 1, isWhole: true });
});

test("requests sent ahead are answered one after the other, in their order, whatever comes between", async () => {
  const held = new Held();
  const { connect, ...front } = makeFront(held.take);
  const client = await connect();
  const bodies = Array.from({ length: 20 }, (_, i) => `number ${i}`);
  client.send(
    bodies.map((body) => request(body)).join("") + request("other", [], "POST /other HTTP/1.1") + request("last"),
  );
  for (const [i, body] of bodies.entries()) {
    const { incoming, asker } = await held.at(i);
    expect(new TextDecoder().decode(incoming.whole)).toBe(body);
    // The next is not asked for before this one is answered.
    expect(held.requests).toHaveLength(i + 1);
    asker.answer(ok(body));
    expect((await client.answer()).body).toBe(body);
  }
  expect((await client.answer()).body).toBe("behind: other");
  expect((await client.answer()).body).toBe("behind: last");
  expect(front.held()).toBe(0);
});

test("thousands of requests sent ahead and answered at once are no depth of calls", async () => {
  const { connect } = makeFront(echo);
  const client = await connect();
  const count = 20_000;
  client.send(request("x").repeat(count));
  for (let i = 0; i < count; i++) expect((await client.answer()).body).toBe("x");
});

test("who sends too far ahead has to wait", async () => {
  const held = new Held();
  const { connect, ...front } = makeFront(held.take);
  const client = await connect();
  client.send(request("first"));
  const { asker } = await held.at(0);
  const behind = request("b".repeat(1000)).repeat(20_000);
  client.send(behind);
  let before = -1;
  while (front.held() !== before || before === 0) {
    before = front.held();
    await Bun.sleep(20);
  }
  expect(before).toBeLessThan(MB);
  asker.answer(ok("first"));
  expect((await client.answer()).body).toBe("first");
  (await held.at(1)).asker.answer(ok("second"));
  expect((await client.answer()).body).toBe("second");
  client.cut();
  while (front.held() > 0) await Bun.sleep(1);
});

test("where there is no room for what is ahead, the connection ends behind the answer", async () => {
  const held = new Held();
  const { connect } = makeFront(held.take, { room: { take: () => false, giveBack: () => {} } });
  const client = await connect();
  client.send(request("first") + request("second"));
  (await held.at(0)).asker.answer(ok("first"));
  expect((await client.answer()).headers.get("connection")).toBe("close");
  expect(await client.ended()).toBe("ended");
  expect(held.requests).toHaveLength(1);
});

test("small things do not keep the large pieces in memory that they came with", async () => {
  const held = new Held();
  const { connect } = makeFront(held.take);
  const mb = () => {
    Bun.gc(true);
    return heapStats().extraMemorySize / MB;
  };
  // Large writes arrive as large pieces, of which the last bytes belong to the next request.
  const clients = await Promise.all(Array.from({ length: 200 }, connect));
  const large = request("b".repeat(500_000));
  const before = mb();
  for (const [i, client] of clients.entries()) {
    client.send(large + request("bb").slice(0, -1));
    await readAll((await held.at(2 * i)).incoming);
    held.requests[2 * i]!.asker.answer(ok(""));
    await client.answer();
    await held.at(2 * i + 1);
  }
  held.requests.length = 0;
  expect(mb() - before).toBeLessThan(10);
});

async function readAll({ body }: Incoming): Promise<number> {
  let size = 0;
  for await (const piece of body!) size += piece.byteLength;
  return size;
}

test("an answer is bytes: its length counts them, and a slow reader gets them all", async () => {
  const body = "ä€😀".repeat(400_000);
  const { connect } = makeFront((_, asker) => asker.answer(ok(body)));
  const client = await connect();
  client.send(request("one") + request("two"));
  client.pause();
  await Bun.sleep(100);
  client.resume();
  for (let i = 0; i < 2; i++) expect((await client.answer()).body === body).toBeTrue();
});

test("a handler that throws or fails is answered for, and the connection goes on", async () => {
  const { connect } = makeFront((incoming, asker) => {
    const what = new TextDecoder().decode(incoming.whole);
    if (what === "throw") throw new Error("thrown");
    if (what === "fail") asker.fail(new Error("failed"));
    else asker.answer(ok(what));
  });
  const client = await connect();
  client.send(request("throw") + request("fail") + request("fine"));
  const answers = [await client.answer(), await client.answer(), await client.answer()];
  expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual([
    "500 Error: thrown",
    "500 Error: failed",
    "202 fine",
  ]);
});

test("only the first answer to a request counts", async () => {
  const held = new Held();
  const { connect } = makeFront(held.take);
  const client = await connect();
  client.send(request("one") + request("two"));
  const first = await held.at(0);
  first.asker.answer(ok("one"));
  first.asker.answer(ok("again"));
  (await held.at(1)).asker.answer(ok("two"));
  first.asker.fail(new Error("again"));
  expect([(await client.answer()).body, (await client.answer()).body]).toEqual(["one", "two"]);
});
