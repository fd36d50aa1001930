import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rowBytes, Spool, SpoolError, type SpooledRecord, type SpoolOutcome } from "../../src/spool/index.ts";
import { keptLog, until } from "../consume/support.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ACKED: SpoolOutcome = { status: "acked" };
const NOT_DELIVERED: SpoolOutcome = { status: "refused", code: "not_delivered", detail: "no" };
const NEVER: SpoolOutcome = { status: "refused", code: "rejected_by_kafka", detail: "never" };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-spool-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A Kafka that takes what `answer` says, and keeps it. */
class FakeKafka {
  isThere = true;
  answer: (record: SpooledRecord) => SpoolOutcome = () => ACKED;
  readonly taken: string[] = [];
  readonly chunks: number[] = [];
  readonly marked: string[] = [];

  publish = (records: readonly SpooledRecord[], settle: (record: SpooledRecord, outcome: SpoolOutcome) => void) => {
    this.chunks.push(records.length);
    setImmediate(() => {
      for (const record of records) {
        const text = decoder.decode(record.value!);
        const outcome = this.answer(record);
        if (outcome.status === "acked") this.taken.push(text);
        if (record.headers.some(([name]) => name === "possible_duplicate")) this.marked.push(text);
        settle(record, outcome);
      }
    });
  };
}

/** Time between tries that does not pass. */
const impatient = {
  nowMs: () => performance.now(),
  after(_ms: number, action: () => void) {
    const timer = setTimeout(action, 1);
    return () => clearTimeout(timer);
  },
};

function openWith(kafka: FakeKafka, maxBytes = 1e9) {
  const { log, lines } = keptLog();
  const drain = { publish: kafka.publish, isKafkaThere: () => kafka.isThere, pressure: () => 0, log, clock: impatient };
  return Spool.open({ folder, maxBytes, log, drain }).then((spool) => Object.assign(spool, { logged: lines }));
}

function put(spool: Spool, text: string, key: string | null = null) {
  const value = encoder.encode(text);
  const { promise, resolve } = Promise.withResolvers<string>();
  const event = { topic: "t", key, value, headers: [], timestampMs: undefined, bytes: value.length };
  spool.put(event, (problem) => resolve(problem?.code ?? "stored"));
  return promise;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

test("events wait while Kafka is away, and go in their order when it is back", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const spool = await openWith(kafka);
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
  const spool = await openWith(kafka);
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
  const spool = await openWith(kafka);
  let told = 0;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 50; i++) void put(spool, `${round}.${i}`).then(() => told++);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("all are told", () => told === 1000);
  await spool.close();
  expect((await openWith(kafka)).fill.events).toBe(1000);
});

test("the next start goes on where the one before stopped", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const first = await openWith(kafka);
  await Promise.all(numbers(0, 100).map((text) => put(first, text, `k${Number(text) % 3}`)));
  await first.close();
  expect(first.logged.map(({ msg }) => msg)).toContain("events stay in the spool for the next start");
  const second = await openWith(kafka);
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
  const spool = await openWith(kafka);
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
  const spool = await openWith(kafka);
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
  const first = await openWith(kafka, 10 * rowBytes(1));
  await Promise.all(numbers(0, 8).map((text) => put(first, text)));
  await until("all are set aside", () => first.fill.rejected === 8);
  expect(first.fill).toMatchObject({ events: 0, bytes: 8 * rowBytes(1) });
  await first.close();
  const second = await openWith(kafka, 10 * rowBytes(1));
  expect(second.fill).toMatchObject({ events: 0, bytes: 8 * rowBytes(1), rejected: 8 });
  expect(second.logged.map(({ msg }) => msg).join()).toContain("take room in it");
  expect(await Promise.all(numbers(0, 3).map((text) => put(second, text)))).toEqual(["stored", "stored", "spool_full"]);
  await second.close();
});

test("after a kill what may have been on its way is marked as a possible duplicate; after an orderly end nothing is", async () => {
  const kafka = new FakeKafka();
  kafka.isThere = false;
  const killed = Bun.spawn([process.execPath, join(import.meta.dir, "holder.ts"), folder, "0"], { stdout: "pipe" });
  for await (const _ of killed.stdout) killed.kill("SIGKILL");
  const first = await openWith(kafka);
  const { events } = first.fill;
  expect(events).toBeGreaterThan(0);
  // Drained by none: the doubt is handed on.
  await first.close();
  const second = await openWith(kafka);
  await put(second, "new");
  kafka.isThere = true;
  await until("the spool is empty", () => second.fill.events === 0);
  expect(kafka.marked).toHaveLength(events);
  expect(kafka.marked).not.toContain("new");
  kafka.isThere = false;
  await put(second, "later");
  await second.close();
  kafka.isThere = true;
  const third = await openWith(kafka);
  await until("the spool is empty", () => third.fill.events === 0);
  expect(kafka.taken.at(-1)).toBe("later");
  expect(kafka.marked).toHaveLength(events);
  await third.close();
});

test("what was unknown when the process ended is marked by the next", async () => {
  const kafka = new FakeKafka();
  kafka.answer = () => ({ status: "unknown" });
  const first = await openWith(kafka);
  await put(first, "1");
  await until("it was tried", () => kafka.chunks.length > 0);
  await first.close();
  kafka.answer = () => ACKED;
  kafka.marked.length = 0;
  const second = await openWith(kafka);
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
  const spool = await Spool.open({ folder, maxBytes: 1e9, log, drain });
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
  const spool = await openWith(kafka, 10 * rowBytes(1));
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
  const spool = await openWith(new FakeKafka());
  expect(openWith(new FakeKafka())).rejects.toThrow(SpoolError);
  await spool.close();
});

test("kill -9, twenty times: whatever was said to be stored is there, once", async () => {
  const stored = new Set<number>();
  let from = 0;
  for (let round = 0; round < 20; round++) {
    const holder = Bun.spawn([process.execPath, join(import.meta.dir, "holder.ts"), folder, String(from)], {
      stdout: "pipe",
      stderr: "inherit",
    });
    let text = "";
    const wanted = 100 + round * 37;
    for await (const piece of holder.stdout) {
      text += decoder.decode(piece, { stream: true });
      if (text.split("\n").length > wanted) holder.kill("SIGKILL");
    }
    await holder.exited;
    for (const line of text.split("\n").slice(0, -1)) {
      expect(line).toStartWith("stored ");
      stored.add(Number(line.slice("stored ".length)));
    }
    from += 100_000;
  }
  const kafka = new FakeKafka();
  const spool = await openWith(kafka);
  await until("the spool is empty", () => spool.fill.events === 0, 30_000);
  const found = kafka.taken.map(Number);
  expect(new Set(found).size).toBe(found.length);
  const there = new Set(found);
  expect([...stored].filter((n) => !there.has(n))).toEqual([]);
  // Per process, and so per key, in order.
  expect(found).toEqual(found.toSorted((a, b) => a - b));
  await spool.close();
}, 120_000);

test("a full disk refuses, loses nothing that was stored, and the spool works again when there is room", async () => {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
  if (mounted.status !== 0)
    throw new Error(`a small disk for this test cannot be mounted (it takes root): ${mounted.stderr}`);
  try {
    const kafka = new FakeKafka();
    kafka.isThere = false;
    const { log, lines } = keptLog();
    const drain = {
      publish: kafka.publish,
      isKafkaThere: () => kafka.isThere,
      pressure: () => 0,
      log,
      clock: impatient,
    };
    const spool = await Spool.open({ folder: join(disk, "spool"), maxBytes: 1e9, log, drain });
    const fill = "x".repeat(1000);
    const answers: string[] = [];
    const texts: string[] = [];
    for (let i = 0; i < 60 && answers.at(-1) !== "spool_failed"; i++) {
      const group = numbers(i * 100, i * 100 + 100).map((n) => `${n} ${fill}`);
      const told = await Promise.all(group.map((text) => put(spool, text)));
      answers.push(...told);
      texts.push(...group.filter((_, index) => told[index] === "stored"));
    }
    expect(answers.at(-1)).toBe("spool_failed");
    expect(texts.length).toBeGreaterThan(100);
    expect(lines.some(({ msg }) => msg.includes("could not be written"))).toBe(true);
    expect(spool.fill.events).toBe(texts.length);
    // A little room, for removing to be possible.
    expect(spawnSync("mount", ["-o", "remount,size=4m", disk]).status).toBe(0);
    kafka.isThere = true;
    await until("the spool is empty", () => spool.fill.events === 0, 30_000);
    expect(kafka.taken).toEqual(texts);
    expect(await put(spool, "again")).toBe("stored");
    await spool.close();
  } finally {
    spawnSync("umount", ["-l", disk]);
  }
}, 60_000);

test("random actions, held against a model", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    rmSync(folder, { recursive: true, force: true });
    let state = seed * 7919;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const kafka = new FakeKafka();
    kafka.isThere = false;
    const rejected = new Set<string>();
    kafka.answer = (record) => {
      const text = decoder.decode(record.value!);
      // A record fails or not as the run of the dice says; once refused for good, it stays so.
      const dice = random(20);
      if (dice === 0) rejected.add(text);
      return rejected.has(text) ? NEVER : dice < 3 ? NOT_DELIVERED : dice === 3 ? { status: "unknown" } : ACKED;
    };
    let spool = await openWith(kafka, 100 * rowBytes(10));
    const stored: string[] = [];
    let next = 0;
    for (let step = 0; step < 60; step++) {
      const action = random(10);
      if (action < 6) {
        const texts = Array.from({ length: 1 + random(10) }, () => `${next++}`);
        const told = await Promise.all(texts.map((text) => put(spool, text, `k${Number(text) % 4}`)));
        texts.forEach((text, index) => {
          if (told[index] === "stored") stored.push(text);
        });
      } else if (action < 8) {
        kafka.isThere = !kafka.isThere;
      } else if (action === 8) {
        await spool.close();
        spool = await openWith(kafka, 100 * rowBytes(10));
      } else await Bun.sleep(1);
      expect(spool.fill.bytes).toBeLessThanOrEqual(spool.fill.maxBytes);
    }
    kafka.isThere = true;
    await until(`seed ${seed}: the spool is empty`, () => spool.fill.events === 0, 20_000);
    const there = new Set(kafka.taken);
    expect({ seed, missing: stored.filter((text) => !there.has(text) && !rejected.has(text)) }).toEqual({
      seed,
      missing: [],
    });
    expect({ seed, twice: kafka.taken.length - there.size }).toEqual({ seed, twice: 0 });
    expect({ seed, unexpected: kafka.taken.filter((text) => !stored.includes(text)) }).toEqual({
      seed,
      unexpected: [],
    });
    await spool.close();
  }
}, 120_000);
