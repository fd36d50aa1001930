/** What `ensureTopic` asks for, by the number of brokers; that Kafka does it is shown in admin-kafka.test.ts. */
import { expect, test } from "bun:test";
import { type Admin, ensureTopic, type NewTopic } from "../../src/kafka/index.ts";

/** The part of `Admin` that it uses. A new topic is unknown at first, and then without a leader. */
function cluster(brokers: number) {
  const asked: NewTopic[] = [];
  let described = 0;
  const admin = {
    describeTopic: async (topic: string) => {
      if (asked.length === 0 || ++described === 1) return null;
      return {
        topic,
        topicId: "id",
        partitions: [{ partition: 0, leader: described === 2 ? null : 1, replicas: [1], inSync: [1] }],
      };
    },
    describeCluster: async () => ({ clusterId: "c", brokers: Array.from({ length: brokers }, (_, id) => ({ id })) }),
    createTopic: async (topic: NewTopic) => {
      asked.push(topic);
      return true;
    },
  };
  return { asked, admin: admin as unknown as Admin };
}

test("replication is min(3, brokers), min.insync.replicas min(2, replication)", async () => {
  for (const [brokers, replication, inSync] of [
    [1, 1, "1"],
    [2, 2, "2"],
    [3, 3, "2"],
    [9, 3, "2"],
  ] as const) {
    const { admin, asked } = cluster(brokers);
    const { topic } = await ensureTopic(admin, { topic: "t", partitions: 4, replication: undefined }, 1000);
    expect(topic!.partitions[0]!.leader).toBe(1);
    expect(asked).toEqual([{ topic: "t", partitions: 4, replication, config: { "min.insync.replicas": inSync } }]);
  }
});

test("a replication that is given is kept", async () => {
  const { admin, asked } = cluster(3);
  await ensureTopic(admin, { topic: "t", partitions: 4, replication: 1 }, 1000);
  expect(asked[0]).toMatchObject({ replication: 1, config: { "min.insync.replicas": "1" } });
});
