/** Leaving a group of the real Kafka in the middle of a rebalance: quickly, and without getting stuck. */
import { expect, test } from "bun:test";
import type { Consumer, ConsumerConfig } from "../../src/kafka/index.ts";
import { newTopic } from "../support/cluster.ts";
import { joinGroup, pollUntil } from "../support/mock.ts";

function closeInTime(member: Consumer): void {
  const started = performance.now();
  member.close(8000);
  expect(performance.now() - started).toBeLessThan(4000);
}

/** Keeps the partitions that a member has. */
const keepIn = (mine: Set<number>) => ({
  onAssign: (partitions: readonly number[]) => {
    for (const partition of partitions) mine.add(partition);
  },
  onRevoke: (partitions: readonly number[]) => {
    for (const partition of partitions) mine.delete(partition);
  },
});

/** Two members share a topic; both close as soon as the second has its part, `pauseMs` between them. */
async function joinAndLeave(brokers: string, topic: string, pauseMs: number, config: ConsumerConfig): Promise<void> {
  const group = `leave-${crypto.randomUUID()}`;
  const owned: Set<number>[] = [];
  const commits: boolean[] = [];
  const join = () => {
    const mine = new Set<number>();
    owned.push(mine);
    const kept = keepIn(mine);
    const member: Consumer = joinGroup(
      brokers,
      topic,
      group,
      {
        onAssign: kept.onAssign,
        // Takes a round trip, in which the group goes on with whatever it was told before.
        onRevoke: (partitions) => {
          kept.onRevoke(partitions);
          commits.push(member.commitAndWait(new Map(partitions.map((partition) => [partition, 0])), 5000));
        },
      },
      config,
    );
    return member;
  };
  const first = join();
  pollUntil(first, () => owned[0]!.size === 4);
  const second = join();
  // The first does not poll again: an assignment of its own waits to be answered when it leaves.
  pollUntil([first, second], () => owned[1]!.size === 2);
  closeInTime(second);
  if (pauseMs > 0) await Bun.sleep(pauseMs);
  closeInTime(first);
  expect(owned.map((each) => each.size)).toEqual([0, 0]);
  // Of the first, when it made room; of each, when it left.
  expect(commits).toEqual([true, true, true]);
}

test("two members close with an assignment on its way: both leave at once", async () => {
  const { brokers, topic } = await newTopic(4);
  for (let round = 0; round < 4; round++) await joinAndLeave(brokers, topic, 0, {});
}, 90_000);

// The pauses are not waited for to make something true: each lets the first go at another moment of the rebalance.
test("a member leaves at any moment of the rebalance that another's leaving began", async () => {
  const { brokers, topic } = await newTopic(4);
  const config = { "heartbeat.interval.ms": 50 };
  for (const pauseMs of [20, 60, 100, 200]) await joinAndLeave(brokers, topic, pauseMs, config);
}, 60_000);

// librdkafka 2.15.1 by itself stays in the group then, until its session is over (scripts/librdkafka.ts mends it), and the other one's
// leaving waits for that behind its own JoinGroup. The pauses are other moments of the rebalance again.
test("a member that has nothing yet leaves, and who has made room for it leaves at once, too", async () => {
  const { brokers, topic } = await newTopic(4);
  for (const pauseMs of [0, 200, 400, 600]) {
    const group = `leave-early-${crypto.randomUUID()}`;
    const owned = [new Set<number>(), new Set<number>()] as const;
    const join = (mine: Set<number>) => joinGroup(brokers, topic, group, keepIn(mine));
    const first = join(owned[0]);
    pollUntil(first, () => owned[0].size === 4);
    const second = join(owned[1]);
    pollUntil([first, second], () => owned[0].size === 2);
    const madeRoomAt = performance.now();
    pollUntil([first, second], () => owned[1].size > 0 || performance.now() - madeRoomAt >= pauseMs);
    closeInTime(second);
    closeInTime(first);
    // Nobody is left behind in the group: who comes next need not wait for a session to end (6 s, less the moment since). What is
    // allowed is above the 3 s that an empty group waits for its first members by default.
    const third = join(owned[0]);
    const joinedAt = performance.now();
    pollUntil(third, () => owned[0].size === 4);
    expect(performance.now() - joinedAt).toBeLessThan(4500);
    closeInTime(third);
  }
}, 120_000);
