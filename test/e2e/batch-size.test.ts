/** serve, as a real process, on a topic that takes only small batches. */
import { afterAll, expect, test } from "bun:test";
import { Admin } from "../../src/kafka/index.ts";
import { kafkaBrokers } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { quiet, readTopic } from "../support/mock.ts";

afterAll(killLeftovers);

const EVENTS = 300;
const LARGE = 120;

test(`of ${EVENTS} events in a batch, only the one that is too large for the topic is refused, and the order is kept`, async () => {
  const brokers = await kafkaBrokers();
  const topic = `test-${crypto.randomUUID()}`;
  const admin = new Admin({ brokers, log: quiet });
  const config = { "max.message.bytes": "20000" };
  await admin.createTopic({ topic, partitions: 1, replication: 1, config }, 15_000).finally(() => admin.close());
  const serve = new CommandProcess("serve", {
    args: ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0"],
  });
  const url = await urlOf(serve);
  await serve.logged(/batches are no larger from now on/);
  const event = (i: number) => JSON.stringify({ n: i, pad: "x".repeat(i === LARGE ? 30_000 : 1000) });
  const response = await fetch(`${url}/register_events`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: Array.from({ length: EVENTS }, (_, i) => event(i)).join("\n"),
  });
  const answer = (await response.json()) as { readonly problems: readonly object[] };
  expect([response.status, answer]).toMatchObject([207, { accepted: EVENTS - 1, refused: 1 }]);
  expect(answer).toMatchObject({ problems: [{ index: LARGE, code: "event_too_large", retry: false }] });
  // It is the topic's limit, and not the one of serve's own that goes by that code.
  expect(answer.problems[0]).not.toHaveProperty("limit");
  expect(serve.stderr).not.toContain("its records go again in smaller ones");
  serve.signal("SIGTERM");
  expect(await serve.ended()).toBe(0);
  const read = readTopic(brokers, topic, EVENTS - 1).map((r) => JSON.parse(Buffer.from(r.value!).toString()).n);
  expect(read).toEqual(Array.from({ length: EVENTS }, (_, i) => i).filter((i) => i !== LARGE));
}, 60_000);
