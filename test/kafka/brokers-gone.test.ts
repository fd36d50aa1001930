/**
 * Brokers that are gone, whose address refuses: clients try again as `reconnect.backoff.ms` says, also while somebody waits for an
 * answer. librdkafka 2.15.1 tries thousands of times a second then; scripts/librdkafka.ts mends it.
 */
import { afterEach, expect, test } from "bun:test";
import { Admin, type KafkaLog, MockCluster } from "../../src/kafka/index.ts";

const WAIT_MS = 1500;
/** `reconnect.backoff.ms`, less a quarter: its jitter. */
const SHORTEST_BACKOFF_MS = 50 * 0.75;
/** Addresses: the bootstrap server's, and the same one under its id. */
const ADDRESSES = 2;
const ATTEMPTS_MAX = ADDRESSES * (WAIT_MS / SHORTEST_BACKOFF_MS + 10);

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Counts what librdkafka's own log says of attempts. */
class Attempts {
  count = 0;
  readonly log: KafkaLog = (_level, message) => {
    if (message.includes(": Connecting to ")) this.count++;
  };
}

test.each([
  ["the controller", undefined],
  ["a broker", 1],
])("a question to %s that is gone", async (_, broker) => {
  const mock = new MockCluster(1);
  const attempts = new Attempts();
  const admin = new Admin({ brokers: mock.bootstrap, log: attempts.log, config: { debug: "broker" } });
  closers.push(() => admin.close());
  await admin.describeCluster(5000, broker);
  expect(attempts.count).toBeGreaterThan(0);
  await mock.close();
  attempts.count = 0;
  await expect(admin.describeCluster(WAIT_MS, broker)).rejects.toThrow();
  expect(attempts.count).toBeGreaterThan(1);
  expect(attempts.count).toBeLessThan(ATTEMPTS_MAX);
});
