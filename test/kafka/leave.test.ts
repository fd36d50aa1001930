/** Leaving a group of the real Kafka at any moment of a rebalance: quickly, and without getting stuck. */
import { expect, test } from "bun:test";
import type { Consumer, ConsumerConfig } from "../../src/kafka/index.ts";
import { newTopic } from "../support/cluster.ts";
import { joinGroup, pollUntil } from "../support/mock.ts";

/** Rebalances are noticed at once, so that they are under way when the members leave. */
const EAGER_HEARTBEAT: ConsumerConfig = { "heartbeat.interval.ms": 50 };

function closeInTime(member: Consumer): void {
  const started = performance.now();
  member.close(8000);
  expect(performance.now() - started).toBeLessThan(4000);
}

/** The pauses are not waited for to make something true: each lets the members go at another moment of the rebalance. */
test("members that close one after the other, at every moment of a rebalance, leave at once", async () => {
  const { brokers, topic } = await newTopic(6);
  for (let pauseMs = 0; pauseMs <= 300; pauseMs += 10) {
    const group = `leave-${crypto.randomUUID()}`;
    const owned: Set<number>[] = [];
    const join = () => {
      const mine = new Set<number>();
      owned.push(mine);
      const hooks = {
        onAssign: (partitions: readonly number[]) => {
          for (const partition of partitions) mine.add(partition);
        },
        onRevoke: (partitions: readonly number[]) => {
          for (const partition of partitions) mine.delete(partition);
        },
      };
      return joinGroup(brokers, topic, group, hooks, EAGER_HEARTBEAT);
    };
    const first = join();
    pollUntil(first, () => owned[0]!.size === 6);
    const second = join();
    pollUntil([first, second], () => owned[0]!.size === 3 && owned[1]!.size === 3);
    // The first is now given the second's partitions, but does not poll: that assignment waits when it leaves.
    closeInTime(second);
    await Bun.sleep(pauseMs);
    closeInTime(first);
    expect(owned.map((each) => each.size)).toEqual([0, 0]);
  }
}, 120_000);
