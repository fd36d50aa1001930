/** What goes to the server behind: bytes as they are, no faster than they are taken, and ends in both directions. */
import { expect, test } from "bun:test";
import { echo, makeFront, request } from "./support.ts";

const MB = 1 << 20;
const other = (body: string) => request(body, [], "POST /other HTTP/1.1");

function noise(bytes: number): string {
  let state = 1;
  return Array.from({ length: bytes / 8 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state.toString(16).padStart(8, "0");
  }).join("");
}

test("large bodies go through whole, in both directions, to a side that is slow", async () => {
  const text = noise(8 * MB);
  const { connect } = makeFront(echo, {
    fetch: async (incoming) => {
      await Bun.sleep(50);
      return new Response(await incoming.text());
    },
  });
  const client = await connect();
  client.send(other(text));
  await Bun.sleep(100);
  client.pause();
  await Bun.sleep(100);
  client.resume();
  const { body } = await client.answer();
  expect(body.length).toBe(text.length);
  expect(Bun.hash(body)).toBe(Bun.hash(text));
  client.send(other("and one more"));
  expect((await client.answer()).body).toBe("and one more");
});

test("a client that does not read is not read for", async () => {
  let sent = 0;
  const { connect } = makeFront(echo, {
    fetch: () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += MB;
            controller.enqueue(new Uint8Array(MB));
            if (sent === 200 * MB) controller.close();
          },
        }),
      ),
  });
  const client = await connect();
  client.pause();
  client.send(other("all of it"));
  let before = -1;
  while (sent !== before || sent === 0) {
    before = sent;
    await Bun.sleep(50);
  }
  expect(sent).toBeLessThan(100 * MB);
  client.cut();
});

test("the server's end of a connection reaches the client, behind all that it said", async () => {
  const { connect } = makeFront(echo, {
    fetch: () => new Response("x".repeat(3 * MB), { headers: { connection: "close" } }),
  });
  const client = await connect();
  client.send(other(""));
  expect((await client.answer()).body).toHaveLength(3 * MB);
  expect(await client.ended()).toBe("ended");
});

test("the client's leaving reaches the server", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { connect } = makeFront(echo, {
    fetch: async (incoming) => {
      incoming.signal.addEventListener("abort", () => resolve());
      onAsked();
      await aborted;
      return new Response();
    },
  });
  const client = await connect();
  client.send(other("one"));
  await asked;
  client.cut();
  await aborted;
});

test("what Bun refuses, it refuses here too", async () => {
  const { connect } = makeFront(echo);
  const client = await connect();
  client.send(request("fine"));
  expect((await client.answer()).status).toBe(202);
  client.send("hello\r\n\r\n");
  expect((await client.answer()).status).toBe(400);
  expect(await client.ended()).not.toBe("open");
});

test("without a server behind, the client hears that something here is broken", async () => {
  const { connect, server } = makeFront(echo);
  await server.stop(true);
  const client = await connect();
  client.send(request("fine"));
  expect((await client.answer()).body).toBe("fine");
  client.send(other("one"));
  const { status, headers } = await client.answer();
  expect({ status, connection: headers.get("connection") }).toEqual({ status: 500, connection: "close" });
  expect(await client.ended()).toBe("ended");
});

test("many that are handed over at once all get through, though the server takes in only some hundred a turn", async () => {
  const { connect } = makeFront(echo);
  const clients = await Promise.all(Array.from({ length: 1500 }, connect));
  for (const client of clients) client.send(other("one of many"));
  // Nothing is taken in anywhere for a while.
  Bun.sleepSync(50);
  const answers = await Promise.all(clients.map((client) => client.answer()));
  expect(answers.filter(({ body }) => body === "behind: one of many")).toHaveLength(1500);
}, 20_000);

test("an answer that flows is no idle connection, however long it takes", async () => {
  const { connect } = makeFront(echo, {
    idleTimeoutS: 0.3,
    fetch: () =>
      new Response(
        (async function* () {
          for (let i = 0; i < 20; i++) {
            await Bun.sleep(50);
            yield "x";
          }
          yield "the end";
        })(),
      ),
  });
  const client = await connect();
  client.send(other(""));
  await client.heard("the end");
});

test("finish waits for what is in hand behind, too", async () => {
  const { promise: go, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { connect, front, server } = makeFront(echo, {
    fetch: async () => {
      onAsked();
      await go;
      return new Response("late");
    },
  });
  const idle = await connect();
  idle.send(request("x"));
  await idle.answer();
  const client = await connect();
  client.send(other("one"));
  await asked;
  let isFinished = false;
  const finished = Promise.all([front.finish(), server.stop(false)]).then(() => (isFinished = true));
  expect(await idle.ended()).toBe("ended");
  await Bun.sleep(50);
  expect(isFinished).toBeFalse();
  resolve();
  expect((await client.answer()).body).toBe("late");
  await finished;
});
