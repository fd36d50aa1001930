/** How the spool keeps events while Kafka is away, and lets them go. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { rowBytes, Spool, SpoolError } from "../../src/spool/index.ts";
import { keptLog, until } from "../consume/support.ts";
import {
  ACKED,
  decoder,
  FakeKafka,
  impatient,
  NEVER,
  NOT_DELIVERED,
  newFolders,
  numbers,
  openIn,
  put,
} from "./support.ts";

const folder = newFolders();

test("events wait while Kafka is away, and go in their order when it is back", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const spool = await openIn(folder, kafka);
  expect(await Promise.all(numbers(0, 500).map((text) => put(spool, text, "k")))).toEqual(
    new Array(500).fill("stored"),
  );
  expect(spool.fill).toMatchObject({ events: 500, isFull: false, rejected: 0 });
  expect([spool.holds("t", "k"), spool.holds("t", null)]).toEqual([true, false]);
  kafka.isThere = true;
  await until("the spool is empty", () => spool.fill.events === 0);
  expect(kafka.taken).toEqual(numbers(0, 500));
  expect(kafka.chunks.slice(0, 4)).toEqual([1, 2, 4, 8]);
  expect(spool.fill).toMatchObject({ bytes: 0, oldestMs: 0 });
  expect(spool.holds("t", "k")).toBe(false);
  await spool.close();
});

test("the oldest one's age is that of what is still there", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const spool = await openIn(folder, kafka);
  await put(spool, "1");
  await Bun.sleep(60);
  const secondAt = performance.now();
  await put(spool, "2");
  expect(spool.fill.oldestMs).toBeGreaterThan(50);
  kafka.answer = (record) => (decoder.decode(record.value!) === "1" ? ACKED : NOT_DELIVERED);
  kafka.isThere = true;
  await until("the second is tried", () => kafka.chunks.length >= 2);
  expect(spool.fill).toMatchObject({ events: 1 });
  expect(spool.fill.oldestMs).toBeLessThan(performance.now() - secondAt + 5);
  await spool.close();
});

test("what is put while a commit runs goes into the next; each is told once", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const spool = await openIn(folder, kafka);
  let told = 0;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 50; i++) void put(spool, `${round}.${i}`).then(() => told++);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("all are told", () => told === 1000);
  await spool.close();
  expect((await openIn(folder, kafka)).fill.events).toBe(1000);
});

test("the next start goes on where the one before stopped", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const first = await openIn(folder, kafka);
  await Promise.all(numbers(0, 100).map((text) => put(first, text, `k${Number(text) % 3}`)));
  await first.close();
  expect(first.logged.map(({ msg }) => msg)).toContain("events stay in the spool for the next start");
  const second = await openIn(folder, kafka);
  expect(second.fill).toMatchObject({ events: 100, bytes: 100 * rowBytes(0) + numbers(0, 100).join("").length });
  expect(second.holds("t", "k1")).toBe(true);
  await put(second, "100", "k1");
  kafka.isThere = true;
  await until("the spool is empty", () => second.fill.events === 0);
  expect(kafka.taken).toEqual(numbers(0, 101));
  await second.close();
});

test("what fails goes again before anything behind it; what is unknown is marked when it goes again", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const spool = await openIn(folder, kafka);
  await Promise.all(numbers(0, 50).map((text) => put(spool, text, "k")));
  let failures = 0;
  kafka.answer = (record) => {
    const text = decoder.decode(record.value!);
    if (text === "0" && failures++ < 3) return NOT_DELIVERED;
    if (text === "1" && failures++ < 5) return { status: "unknown" };
    return ACKED;
  };
  kafka.isThere = true;
  await until("the spool is empty", () => spool.fill.events === 0);
  expect(kafka.taken.filter((text) => text === "0" || text === "1")).toEqual(["0", "1"]);
  expect(new Set(kafka.taken)).toEqual(new Set(numbers(0, 50)));
  expect(kafka.taken).toHaveLength(50);
  expect(kafka.marked).toContain("1");
  expect(kafka.marked).not.toContain("0");
  await spool.close();
});

test("what Kafka will never take is set aside and said, and the rest goes on", async () => {
  const kafka = new FakeKafka();
  kafka.answer = (record) => (decoder.decode(record.value!) === "3" ? NEVER : ACKED);
  const spool = await openIn(folder, kafka);
  await Promise.all(numbers(0, 10).map((text) => put(spool, text, "k")));
  await until("the spool is empty", () => spool.fill.events === 0);
  expect(kafka.taken).toEqual(numbers(0, 10).filter((text) => text !== "3"));
  expect(spool.fill.rejected).toBe(1);
  expect(spool.logged.some(({ msg }) => msg.includes("never take"))).toBe(true);
  await spool.close();
});

test("what Kafka will never take keeps its room, and is said to; also after the next start", async () => {
  const kafka = new FakeKafka();
  kafka.answer = () => NEVER;
  const first = await openIn(folder, kafka, 10 * rowBytes(1));
  await Promise.all(numbers(0, 8).map((text) => put(first, text)));
  await until("all are set aside", () => first.fill.rejected === 8);
  expect(first.fill).toMatchObject({ events: 0, bytes: 8 * rowBytes(1) });
  await first.close();
  const second = await openIn(folder, kafka, 10 * rowBytes(1));
  expect(second.fill).toMatchObject({ events: 0, bytes: 8 * rowBytes(1), rejected: 8 });
  expect(second.logged.map(({ msg }) => msg).join()).toContain("take room in it");
  expect(await Promise.all(numbers(0, 3).map((text) => put(second, text)))).toEqual(["stored", "stored", "spool_full"]);
  await second.close();
});

test("after a kill what may have been on its way is marked as a possible duplicate; after an orderly end nothing is", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const killed = Bun.spawn([process.execPath, join(import.meta.dir, "holder.ts"), folder.path, "0"], {
    stdout: "pipe",
  });
  for await (const _ of killed.stdout) killed.kill("SIGKILL");
  const first = await openIn(folder, kafka);
  const { events } = first.fill;
  expect(events).toBeGreaterThan(0);
  // Drained by none: the doubt is handed on.
  await first.close();
  const second = await openIn(folder, kafka);
  await put(second, "new");
  kafka.isThere = true;
  await until("the spool is empty", () => second.fill.events === 0);
  expect(kafka.marked).toHaveLength(events);
  expect(kafka.marked).not.toContain("new");
  kafka.isThere = false;
  await put(second, "later");
  await second.close();
  kafka.isThere = true;
  const third = await openIn(folder, kafka);
  await until("the spool is empty", () => third.fill.events === 0);
  expect(kafka.taken.at(-1)).toBe("later");
  expect(kafka.marked).toHaveLength(events);
  await third.close();
});

test("what was unknown when the process ended is marked by the next", async () => {
  const kafka = new FakeKafka();
  kafka.answer = () => ({ status: "unknown" });
  const first = await openIn(folder, kafka);
  await put(first, "1");
  await until("it was tried", () => kafka.chunks.length > 0);
  await first.close();
  kafka.answer = () => ACKED;
  kafka.marked.length = 0;
  const second = await openIn(folder, kafka);
  await until("the spool is empty", () => second.fill.events === 0);
  expect([kafka.taken, kafka.marked]).toEqual([["1"], ["1"]]);
  await second.close();
});

test("under pressure the spool is drained a little, and not at all at once", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  let [nowMs, pressure] = [0, 0.9];
  // Each pause is 50 ms long.
  const clock = { ...impatient, nowMs: () => (nowMs += 5) };
  const { log } = keptLog();
  const drain = { publish: kafka.publish, isKafkaThere: () => kafka.isThere, pressure: () => pressure, log, clock };
  const spool = await Spool.open({ folder: folder.path, maxBytes: 1e9, log, drain });
  await Promise.all(numbers(0, 500).map((text) => put(spool, text)));
  kafka.isThere = true;
  await until("some chunks", () => kafka.chunks.length >= 9);
  expect(Math.max(...kafka.chunks)).toBe(64);
  expect(nowMs).toBeGreaterThan(8 * 1000);
  pressure = 0;
  await until("the spool is empty", () => spool.fill.events === 0);
  expect(kafka.taken).toEqual(numbers(0, 500));
  await spool.close();
});

test("past its size an event is refused at once; room comes back with the draining", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const spool = await openIn(folder, kafka, 10 * rowBytes(1));
  const answers = await Promise.all(
    numbers(0, 10)
      .concat("x", "y")
      .map((text) => put(spool, text.slice(0, 1))),
  );
  expect(answers).toEqual([...new Array(10).fill("stored"), "spool_full", "spool_full"]);
  expect(spool.fill.isFull).toBe(true);
  kafka.isThere = true;
  await until("the spool is empty", () => spool.fill.events === 0);
  expect(spool.fill.isFull).toBe(false);
  expect(await put(spool, "z")).toBe("stored");
  await spool.close();
});

test("two processes cannot have one folder", async () => {
  const spool = await openIn(folder, new FakeKafka());
  expect(openIn(folder, new FakeKafka())).rejects.toThrow(SpoolError);
  await spool.close();
});
