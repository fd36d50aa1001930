/** Clients come and go without leaving anything: descriptors, threads, memory. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { RecordBatch } from "../../src/kafka/index.ts";
import { joinGroup, KafkaFixture, publishAll, record } from "../support/mock.ts";

const CLIENTS = 200;
const WARM_UP = 50;
/** For 150 clients. What one of them would leave behind, if it did: a client of librdkafka is more than 1 MB. */
const GROWTH_MAX_BYTES = 16 * 1024 * 1024;

let kafka: KafkaFixture;
beforeAll(() => {
  kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 2);
});
afterAll(() => kafka.close());

interface Held {
  readonly descriptors: number;
  readonly threads: number;
  readonly residentBytes: number;
}

/** Nothing to be counted where there is no /proc. */
function held(): Held {
  Bun.gc(true);
  const list = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
  return {
    descriptors: list("/proc/self/fd").length,
    threads: list("/proc/self/task").filter(isOfLibrdkafka).length,
    residentBytes: process.memoryUsage.rss(),
  };
}

/** The runtime's own threads come and go as it likes. */
function isOfLibrdkafka(task: string): boolean {
  try {
    return readFileSync(`/proc/self/task/${task}/comm`, "utf8").startsWith("rdk:");
  } catch {
    return false;
  }
}

/** The mock brokers' ends of connections close a little after the clients'. */
async function settled(isSettled: (now: Held) => boolean): Promise<Held> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const now = held();
    if (isSettled(now) || performance.now() > deadline) return now;
    await Bun.sleep(20);
  }
}

const uses: readonly ((i: number) => Promise<void>)[] = [
  async (i) => {
    const producer = kafka.producer();
    // Most are closed before their producer id has come, the others after their first record is there.
    if (i % 5 === 0) await publishAll(producer, [record("events", "x", { headers: [["id", "1"]] })]);
    await producer.close(2000);
    await producer.close(2000);
  },
  async () => {
    const admin = kafka.admin();
    await admin.describeCluster(5000);
    await Promise.all([admin.close(), admin.close()]);
  },
  async () => {
    const consumer = joinGroup(kafka.mock.bootstrap, "events", crypto.randomUUID());
    consumer.poll(new RecordBatch(10), 1);
    consumer.close(2000);
    consumer.close(2000);
  },
];

test("200 clients, each closed twice: descriptors and threads are back, memory is flat", async () => {
  let warm: Held | undefined;
  for (let i = 0; i < CLIENTS; i++) {
    if (i === WARM_UP) warm = await settled(() => true);
    await uses[i % uses.length]!(i);
  }
  const end = await settled((now) => now.descriptors <= warm!.descriptors && now.threads <= warm!.threads);
  if (process.platform === "linux") expect(warm!.threads).toBeGreaterThan(0);
  expect(end.descriptors).toBeLessThanOrEqual(warm!.descriptors);
  expect(end.threads).toBeLessThanOrEqual(warm!.threads);
  expect(end.residentBytes - warm!.residentBytes).toBeLessThan(GROWTH_MAX_BYTES);
}, 60_000);

test("20 mock clusters come and go", async () => {
  let warm: Held | undefined;
  for (let i = 0; i < 20; i++) {
    if (i === 5) warm = await settled(() => true);
    const each = new KafkaFixture(3);
    each.mock.createTopic("events", 4);
    await each.admin().describeCluster(5000);
    await each.close();
    await each.mock.close();
  }
  const end = await settled((now) => now.descriptors <= warm!.descriptors && now.threads <= warm!.threads);
  expect(end.descriptors).toBeLessThanOrEqual(warm!.descriptors);
  expect(end.threads).toBeLessThanOrEqual(warm!.threads);
}, 60_000);

test("a client whose events nothing would fetch is refused, and leaves nothing", async () => {
  const before = await settled(() => true);
  // What Bun does where the system does not let it watch another descriptor.
  const connect = spyOn(Bun, "connect").mockImplementation((() => Promise.reject(new Error("no watch"))) as never);
  try {
    expect(() => kafka.admin()).toThrow("out of file descriptors");
    expect(() => kafka.producer()).toThrow("out of file descriptors");
  } finally {
    connect.mockRestore();
  }
  const end = await settled((now) => now.descriptors <= before.descriptors && now.threads <= before.threads);
  expect(end.descriptors).toBeLessThanOrEqual(before.descriptors);
  expect(end.threads).toBeLessThanOrEqual(before.threads);
});
