/** What becomes of records when Kafka fails: the mock cluster with injected faults. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { CODES, type Producer } from "../../src/kafka/index.ts";
import type { Outcome } from "../../src/outcome.ts";
import { KafkaFixture, publishAll, readTopic, record } from "../support/mock.ts";

const NOT_LEADER = 6;
const REQUEST_TIMED_OUT = 7;
const OUT_OF_ORDER = 45;

let kafka: KafkaFixture;
let producer: Producer;
beforeEach(async () => {
  kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 4);
  producer = kafka.producer({ deliveryTimeoutMs: 3000 });
  // The producer id takes half a second, or one and a half: then the first record has timed out before it was sent.
  await publishUntilAcked("warm");
});
afterEach(() => kafka.close());

const turnOfTheLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Publishes one record after the other until one is acknowledged; what is not, must say that it is not in Kafka. */
async function publishUntilAcked(value: string): Promise<void> {
  let outcome: Outcome;
  do {
    // Refused at once, while there is no new client: without a turn of the loop there would never be one.
    await turnOfTheLoop();
    outcome = (await publishAll(producer, [record("events", value)]))[0]!;
    if (outcome.status !== "acked") expect(outcome).toMatchObject({ status: "refused", code: "not_delivered" });
  } while (outcome.status !== "acked");
}

test("retriable errors are retried and end as acked, once", async () => {
  const patient = kafka.producer();
  await publishAll(patient, [record("events", "warm too")]);
  kafka.mock.failNext("Produce", [NOT_LEADER, REQUEST_TIMED_OUT, NOT_LEADER]);
  const outcomes = await publishAll(patient, [record("events", "retry me", { key: "k" })]);
  expect(outcomes[0]!.status).toBe("acked");
  const values = readTopic(kafka.mock.bootstrap, "events", 3).map((r) => Buffer.from(r.value!).toString());
  expect(values.sort()).toEqual(["retry me", "warm", "warm too"]);
});

test("a record that Kafka finds too large is refused as too large", async () => {
  kafka.mock.failNext("Produce", [CODES.ERR_MSG_SIZE_TOO_LARGE]);
  expect((await publishAll(producer, [record("events", "big")]))[0]).toMatchObject({
    status: "refused",
    code: "event_too_large",
  });
});

test("never sent because the broker is away: refused, within the delivery timeout", async () => {
  kafka.mock.setDown();
  const started = performance.now();
  const [outcome] = await publishAll(producer, [record("events", "lost?")]);
  expect(outcome).toMatchObject({ status: "refused", code: "not_delivered" });
  expect(performance.now() - started).toBeLessThan(3000);
}, 15_000);

test("refused by a broker that does not lead until time is up: refused, since nothing was appended", async () => {
  // With an offset the same answer means that it was (leader-loss.test.ts).
  kafka.mock.failNext("Produce", new Array(100).fill(NOT_LEADER));
  const [outcome] = await publishAll(producer, [record("events", "elsewhere")]);
  expect(outcome).toMatchObject({ status: "refused", code: "not_delivered" });
}, 15_000);

test("sent, and no answer: unknown, within the delivery timeout", async () => {
  kafka.mock.setRoundTrip(20_000);
  const started = performance.now();
  const [outcome] = await publishAll(producer, [record("events", "in flight")]);
  expect(outcome).toMatchObject({ status: "unknown", code: "delivery_unknown" });
  expect(performance.now() - started).toBeLessThan(3000);
}, 15_000);

test("after a fatal error the producer is replaced, and publishing goes on", async () => {
  producer.raiseFatalError(OUT_OF_ORDER, "raised by the test");
  await publishUntilAcked("after");
  expect(producer.retirements).toBe(1);
});

test("records in flight at a fatal error get their outcomes by status", async () => {
  kafka.mock.setRoundTrip(20_000);
  const inFlight = publishAll(
    producer,
    Array.from({ length: 20 }, (_, i) => record("events", `${i}`, { key: "k" })),
  );
  await turnOfTheLoop();
  producer.raiseFatalError(OUT_OF_ORDER, "raised by the test");
  for (const outcome of await inFlight) expect(["refused", "unknown"]).toContain(outcome.status);
  kafka.mock.setRoundTrip(0);
  await publishUntilAcked("after");
  expect(producer.retirements).toBe(1);
}, 15_000);

test("one fatal error after the other: as many replacements, at most one a second", async () => {
  const started = performance.now();
  for (let i = 1; i <= 3; i++) {
    producer.raiseFatalError(OUT_OF_ORDER, `raised by the test: ${i}`);
    await publishUntilAcked(`after ${i}`);
    expect(producer.retirements).toBe(i);
  }
  expect(performance.now() - started).toBeGreaterThan(2000);
}, 20_000);

test("close settles everything that waits, refuses what comes later, and may be called again", async () => {
  kafka.mock.setDown();
  const waiting = publishAll(
    producer,
    Array.from({ length: 50 }, () => record("events", "x")),
  );
  const closed = producer.close(60_000);
  const [late] = await publishAll(producer, [record("events", "late")]);
  expect(late).toMatchObject({ status: "refused", code: "shutting_down" });
  // The second is in more of a hurry, and that counts.
  const started = performance.now();
  await producer.close(100);
  await closed;
  expect(performance.now() - started).toBeLessThan(3000);
  for (const outcome of await waiting) expect(["refused", "unknown"]).toContain(outcome.status);
  expect(producer.pending).toBe(0);
  await producer.close(0);
}, 15_000);

test("close with a replacement still to come, or a retired client still waiting, ends in time", async () => {
  kafka.mock.setRoundTrip(20_000);
  const waiting = publishAll(producer, [record("events", "x")]);
  await turnOfTheLoop();
  producer.raiseFatalError(OUT_OF_ORDER, "raised by the test");
  producer.raiseFatalError(OUT_OF_ORDER, "and again");
  await turnOfTheLoop();
  const started = performance.now();
  await producer.close(200);
  expect(performance.now() - started).toBeLessThan(4000);
  expect((await waiting)[0]!.status).not.toBe("acked");
}, 15_000);
