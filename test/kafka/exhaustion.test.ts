/** Out of file descriptors: clients are refused with a sentence, those that there are can be closed, and nothing crashes. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const door = (path: string) => JSON.stringify(join(import.meta.dir, "../..", path));

/** Makes clients of each kind until there is no descriptor left, goes on for a while, and closes what there is. */
const PROGRAM = `
  import { Admin, Producer, producerConfig } from ${door("src/kafka/index.ts")};
  import { joinGroup, quiet, settings } from ${door("test/support/mock.ts")};
  const brokers = "127.0.0.1:1";
  const kinds = [
    () => new Producer({ config: producerConfig(settings(brokers)), log: quiet }),
    () => new Admin({ brokers, log: quiet }),
    () => joinGroup(brokers, "events", "group"),
  ];
  const made = [];
  let refused = 0;
  for (let i = 0; i < 60; i++) {
    try {
      made.push(kinds[i % kinds.length]());
    } catch (cause) {
      if (!/file descriptors|Failed to create/i.test(cause.message)) throw cause;
      refused++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const client of made) await client.close(50);
  console.log(JSON.stringify({ made: made.length, refused }));`;

test("clients without a descriptor to be had are refused, and the others are closed", async () => {
  const child = Bun.spawn(["sh", "-c", 'ulimit -n 64 && exec "$0" -e "$1"', process.execPath, PROGRAM], {
    stderr: "pipe",
  });
  const [out, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect([code, errors]).toEqual([0, ""]);
  const { made, refused } = JSON.parse(out);
  expect(made).toBeGreaterThan(3);
  expect(refused).toBeGreaterThan(3);
}, 30_000);
