/** What a producer carries and refuses, against the mock cluster. Faults: producer-faults.test.ts. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { KafkaRecord } from "../../src/kafka/index.ts";
import type { Outcome } from "../../src/outcome.ts";
import { KafkaFixture, publishAll, readTopic, record } from "../support/mock.ts";

let kafka: KafkaFixture;
beforeEach(() => {
  kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 4);
});
afterEach(() => kafka.close());

const word = (outcome: Outcome) => (outcome.status === "refused" ? outcome.code : outcome.status);

test("gives one outcome a record, with topic, partition and offset, in order within a partition", async () => {
  const records = Array.from({ length: 2000 }, (_, i) => record("events", `{"n":${i}}`, { key: `key-${i % 7}` }));
  const outcomes = await publishAll(kafka.producer(), records);
  const lastOffset = new Map<number, number>();
  for (const outcome of outcomes) {
    expect(outcome.status).toBe("acked");
    if (outcome.status !== "acked") continue;
    expect(outcome.topic).toBe("events");
    expect(outcome.offset!).toBeGreaterThan(lastOffset.get(outcome.partition) ?? -1);
    lastOffset.set(outcome.partition, outcome.offset!);
  }
});

test("carries key, value, headers and timestamp byte for byte", async () => {
  const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
  const sent: KafkaRecord[] = [
    record("events", everyByte, { key: "schlüssel-鍵", headers: [["id", "ä-1"]], timestampMs: 1_700_000_000_123 }),
    record("events", "", { key: "", headers: [["id", ""]] }),
    record("events", null, { key: Uint8Array.of(107), headers: [["id", Uint8Array.of(120, 121)]] }),
    record("events", "x".repeat(300_000), {
      headers: Array.from({ length: 100 }, (_, i) => [`h${i}`, `v${i}`] as const),
    }),
  ];
  await publishAll(kafka.producer(), sent);
  const read = readTopic(kafka.mock.bootstrap, "events", sent.length, { headers: ["id", "h0", "h99"] });
  const byKey = new Map(read.map((r) => [r.key, r]));
  const first = byKey.get("schlüssel-鍵")!;
  expect(first.value).toEqual(everyByte);
  expect(first.timestampMs).toBe(1_700_000_000_123);
  expect(first.headers.id).toBe("ä-1");
  expect(byKey.get("")!.value).toEqual(new Uint8Array(0));
  expect(byKey.get("")!.headers.id).toBe("");
  expect(byKey.get("k")!.value).toBeNull();
  expect(byKey.get("k")!.headers.id).toBe("xy");
  expect(byKey.get(null)!.value!.byteLength).toBe(300_000);
  expect(byKey.get(null)!.headers).toEqual({ h0: "v0", h99: "v99" });
});

test("an empty key is a key, as text and as bytes; the last header of a name counts", async () => {
  const empty = record("events", "1", { key: "" });
  const emptyBytes = record("events", "2", { key: new Uint8Array(0) });
  const none = record("events", "3", {
    headers: [
      ["id", "first"],
      ["id", "last"],
      ["", "nameless"],
    ],
  });
  await publishAll(kafka.producer(), [empty, emptyBytes, none]);
  const read = readTopic(kafka.mock.bootstrap, "events", 3, { headers: ["id", ""] });
  const byValue = new Map(read.map((r) => [Buffer.from(r.value!).toString(), r]));
  expect(["1", "2", "3"].map((value) => byValue.get(value)!.key)).toEqual(["", "", null]);
  expect(byValue.get("3")!.headers).toEqual({ id: "last", "": "nameless" });
});

test("records of every size around the writer's buffer arrive whole", async () => {
  // The writer starts with 64 KB, and grows; text is measured at three bytes a unit before it is written.
  const lengths = [0, 1, 7, 8, 21_845, 21_846, 65_527, 65_528, 65_535, 65_536, 65_537, 131_072, 400_000];
  const sent = lengths.flatMap((length) => [
    record("events", Buffer.alloc(length, `${length}`.slice(-1)), { key: `b${length}` }),
    record("events", "v", { key: `t${length}`, headers: [["text", "é".repeat(length / 2)]] }),
  ]);
  const outcomes = await publishAll(kafka.producer(), sent);
  expect(outcomes.map(word)).toEqual(sent.map(() => "acked"));
  const read = readTopic(kafka.mock.bootstrap, "events", sent.length, { headers: ["text"] });
  const byKey = new Map(read.map((r) => [r.key, r]));
  for (const length of lengths) {
    expect(Buffer.from(byKey.get(`b${length}`)!.value!).equals(Buffer.alloc(length, `${length}`.slice(-1)))).toBe(true);
    expect(byKey.get(`t${length}`)!.headers.text === "é".repeat(length / 2)).toBe(true);
  }
});

test("what cannot be given to librdkafka is refused, each alone, and its slot is free again", async () => {
  const producer = kafka.producer();
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const outcomes = await publishAll(producer, [
    record("events", "a"),
    record("events", "b", { headers: [["na\0me", "v"]] }),
    record("ev\0ents", "c"),
    record("t".repeat(513), "d"),
    record("events", "e", { headers: [["id", null as unknown as string]] }),
    record("events", detached),
    record("events", "f"),
  ]);
  expect(outcomes.map(word).slice(0, 5)).toEqual([
    "acked",
    "rejected_by_kafka",
    "rejected_by_kafka",
    "rejected_by_kafka",
    "internal_error",
  ]);
  // The runtime decides whether a detached array is an error or empty.
  expect(["acked", "internal_error"]).toContain(word(outcomes[5]!));
  expect(word(outcomes[6]!)).toBe("acked");
  expect(outcomes[1]).toMatchObject({ detail: expect.stringContaining("NUL") });
  expect(producer.pending).toBe(0);
  const again = await publishAll(
    producer,
    Array.from({ length: 100 }, (_, i) => record("events", `${i}`)),
  );
  expect(again.map(word)).toEqual(again.map(() => "acked"));
});

test("a record over the producer's own limit is refused at once, its neighbours are not", async () => {
  const outcomes = await publishAll(kafka.producer({ maxRecordBytes: 1000 }), [
    record("events", "a"),
    record("events", "x".repeat(50_000)),
    record("events", "b"),
  ]);
  expect(outcomes.map(word)).toEqual(["acked", "event_too_large", "acked"]);
});

test("those before a refused last one leave all the same, at once", async () => {
  const producer = kafka.producer({ maxRecordBytes: 1000 });
  await publishAll(producer, [record("events", "warm")]);
  for (let round = 0; round < 5; round++) {
    // librdkafka's thread sleeps, for up to a second.
    await Bun.sleep(20);
    const started = performance.now();
    const outcomes = await publishAll(producer, [
      record("events", "a"),
      record("events", "b"),
      record("events", "x".repeat(50_000)),
    ]);
    expect(outcomes.map(word)).toEqual(["acked", "acked", "event_too_large"]);
    expect(performance.now() - started).toBeLessThan(900);
  }
});

test("a full queue refuses what does not fit and keeps the rest", async () => {
  const producer = kafka.producer({ maxQueuedRecords: 100 });
  const outcomes = await publishAll(
    producer,
    Array.from({ length: 300 }, () => record("events", "x")),
  );
  const count = (what: string) => outcomes.filter((outcome) => word(outcome) === what).length;
  expect(count("acked") + count("overloaded")).toBe(300);
  expect(count("acked")).toBeGreaterThanOrEqual(100);
  expect(count("overloaded")).toBeGreaterThan(0);
});

test("a receiver that throws costs no other record its outcome", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let settled = 0;
  kafka.producer().publish(
    Array.from({ length: 50 }, () => record("events", "x")),
    () => {
      if (++settled === 50) resolve();
      throw new Error("thrown by the test");
    },
  );
  await promise;
});

test("receivers that publish, and take their time, hold up neither librdkafka nor the event loop", async () => {
  const producer = kafka.producer();
  await publishAll(producer, [record("events", "warm")]);
  const { promise, resolve } = Promise.withResolvers<void>();
  let settled = 0;
  let turns = 0;
  const turn = setInterval(() => turns++, 1);
  // The next report comes while this one is still being told of: the queue is never seen empty, and each report is one more
  // byte in the socket pair. With no bound on the polls it was full after some 400, with librdkafka holding the queue's lock.
  const next = () => {
    if (++settled === 800) return resolve();
    producer.publish([record("events", "x")], next);
    const until = performance.now() + 2;
    while (performance.now() < until);
  };
  next();
  await promise;
  clearInterval(turn);
  expect(turns).toBeGreaterThan(0);
}, 20_000);
