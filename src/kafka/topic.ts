/** Makes a missing topic, once Kafka answers. */
import type { Admin } from "./admin.ts";
import type { TopicDescription } from "./native/index.ts";

export interface TopicSettings {
  readonly topic: string;
  readonly partitions: number;
  /** Undefined: min(3, brokers). */
  readonly replication: number | undefined;
}

/** Returns the topic as it stands afterwards. Rejects with `KafkaError` where the cluster refuses. */
export async function ensureTopic(admin: Admin, settings: TopicSettings, timeoutMs: number): Promise<{ created: boolean; topic: TopicDescription | null }> {
  const there = await admin.describeTopic(settings.topic, timeoutMs);
  if (there) return { created: false, topic: there };
  const { brokers } = await admin.describeCluster(timeoutMs);
  const replication = settings.replication ?? Math.min(3, Math.max(1, brokers.length));
  const created = await admin.createTopic(
    {
      topic: settings.topic,
      partitions: settings.partitions,
      replication,
      config: { "min.insync.replicas": String(Math.min(2, replication)) },
    },
    timeoutMs,
  );
  return { created, topic: await admin.describeTopic(settings.topic, timeoutMs) };
}
