/** What consume asks the cluster: the topic it waits for at its start, and how far behind the log file is. */
import { type Admin, commitForGroup, type GroupClient, type GroupOffsets } from "../kafka/index.ts";
import type { Log } from "../log.ts";
import type { TopicIdentity } from "./checkpoint.ts";

const REQUEST_TIMEOUT_MS = 5000;
const RETRY_MS = 1000;

export interface FoundTopic {
  readonly identity: TopicIdentity;
  readonly partitions: number;
}

export interface TopicWait {
  readonly topic: string;
  readonly log: Log;
  readonly stop: { readonly requested: boolean; readonly whenRequested: Promise<unknown> };
  readonly retryMs?: number;
}

type TopicAdmin = Pick<Admin, "describeTopic" | "describeCluster">;

/** Waits for Kafka and for the topic, as long as it takes; null once `stop` is requested. */
export async function awaitTopic(admin: TopicAdmin, wait: TopicWait): Promise<FoundTopic | null> {
  const { topic, log, stop, retryMs = RETRY_MS } = wait;
  let said: string | undefined;
  const say = (line: string, fields: Readonly<Record<string, unknown>>) => {
    if (said !== line) log.warn(fields, line);
    said = line;
  };
  while (!stop.requested) {
    try {
      const found = await Promise.race([find(admin, topic), stop.whenRequested.then(() => undefined)]);
      if (found) return found;
      if (found === null) say("the topic does not exist; it is awaited", { topic });
    } catch (cause) {
      say("Kafka does not answer; it is awaited", { error: (cause as Error).message });
    }
    await Promise.race([Bun.sleep(retryMs), stop.whenRequested]);
  }
  return null;
}

async function find(admin: TopicAdmin, topic: string): Promise<FoundTopic | null> {
  const description = await admin.describeTopic(topic, REQUEST_TIMEOUT_MS);
  if (description === null || description.partitions.length === 0) return null;
  const { clusterId } = await admin.describeCluster(REQUEST_TIMEOUT_MS);
  return { identity: { clusterId, topic, topicId: description.topicId }, partitions: description.partitions.length };
}

/** Its records are others now, and offsets mean something else. */
export class TopicReplaced extends Error {
  override readonly name = "TopicReplaced";
}

/**
 * With `--from latest`: a group that has read nothing yet starts here and now. Left to each member, a partition would start where its
 * end is when the member gets it, and what came before that, while partitions move, would be passed over. Resolves to where members
 * start what has no offset even so: with all ends committed that is a partition that was added later, and wanted from its beginning.
 */
export async function commitEnds(
  client: GroupClient,
  admin: Pick<Admin, "watermarks">,
  group: Pick<GroupOffsets, "read">,
  { identity: { topic }, partitions: count }: FoundTopic,
): Promise<"earliest" | "latest"> {
  const partitions = Array.from({ length: count }, (_, partition) => partition);
  const [watermarks, committed] = await Promise.all([
    admin.watermarks(topic, partitions, REQUEST_TIMEOUT_MS),
    group.read(topic, partitions, REQUEST_TIMEOUT_MS),
  ]);
  const ends = watermarks.filter(({ partition }) => !committed.has(partition));
  if (ends.length === 0) return "earliest";
  const offsets = new Map(ends.map(({ partition, high }) => [partition, high]));
  return commitForGroup(client, topic, offsets) ? "earliest" : "latest";
}

export interface LagQuestion {
  readonly identity: TopicIdentity;
  readonly from: "earliest" | "latest";
  /** The last written offset by partition. */
  readonly offsets: ReadonlyMap<number, number>;
  readonly timeoutMs: number;
}

/** By partition: the records that are in Kafka and not yet in the log file. Rejects where Kafka does not answer, or with `TopicReplaced`. */
export async function readLag(admin: Admin, group: GroupOffsets, question: LagQuestion): Promise<Map<number, number>> {
  const { identity, from, offsets, timeoutMs } = question;
  const { topic, topicId } = identity;
  const description = await admin.describeTopic(topic, timeoutMs);
  if (topicId !== null && description?.topicId && description.topicId !== topicId)
    throw new TopicReplaced(`the topic ${topic} was deleted and made anew; a new start sets the log file aside`);
  const partitions = description?.partitions.map(({ partition }) => partition) ?? [];
  if (partitions.length === 0) return new Map();
  const [watermarks, committed] = await Promise.all([
    admin.watermarks(topic, partitions, timeoutMs),
    group.read(topic, partitions, timeoutMs),
  ]);
  return new Map(
    watermarks.map(({ partition, low, high }) => {
      // A file that is younger than its group lacks what the group committed before; that is no lag.
      const start = committed.get(partition) ?? (from === "earliest" ? low : high);
      const written = offsets.get(partition);
      const next = written === undefined ? start : Math.max(written + 1, start);
      return [partition, Math.max(0, high - next)];
    }),
  );
}
