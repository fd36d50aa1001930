import { expect, test } from "bun:test";
import { makeHttp } from "./support.ts";

test("once the server is to stop, every answer to an event asks for the end of its connection", async () => {
  let isStopping = false;
  const { post, ingest, kafka, ackAll } = makeHttp(["--max-pending-events", "2"], { isStopping: () => isStopping });
  kafka.isAcking = false;
  // One event, and one of a batch, are in hand when the stop is asked for.
  const inHand = [post("/register_event", "{}"), post("/register_events", "[{}]")];
  while (ingest.fill.pendingEvents < 2) await Bun.sleep(1);
  isStopping = true;
  const full = await post("/register_event", "{}");
  ackAll();
  const answers = [
    ...(await Promise.all(inHand)),
    full,
    await post("/register_event", "{"),
    await post("/register_event?x", "{}"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 503, 400, 400]);
  expect(answers.map(({ headers }) => headers.get("connection"))).toEqual(answers.map(() => "close"));
  // What is added to the last answers takes nothing from them.
  for (const { headers } of answers) expect(headers.get("content-type")).toMatch(/^application\/(?:problem\+)?json$/);
  ingest.stop();
});
