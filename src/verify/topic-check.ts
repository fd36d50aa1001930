/** Holds the log against its topic: which records have no line, which lines have no record, and which are not the same. */
import { isSameTopic, type TopicIdentity } from "../consume/index.ts";
import { BLOCK_OFFSETS, type Block, BlockLines, Blocks } from "./blocks.ts";
import type { Findings } from "./findings.ts";
import { countOf, Intervals, type Stretch } from "./intervals.ts";
import type { LinePlace, LogCheck } from "./log-check.ts";
import { describe, readLines, type TopicClient, type TopicState } from "./topic-reading.ts";

export interface TopicFigures {
  /** Records of the topic within the log's own stretch that have no line. */
  readonly missing: number;
  /** Records past the last line. */
  readonly behind: number;
  /** Lines whose record the topic no longer has. */
  readonly gone: number;
}

export interface TopicCheckOptions {
  readonly client: TopicClient;
  readonly identity: TopicIdentity;
  /** What comes before the first line or behind the last is missing, too. */
  readonly isComplete: boolean;
  readonly findings: Findings;
  /** Reads the log once more. */
  readonly readAgain: (onLine: ConstructorParameters<typeof LogCheck>[1]) => Promise<void>;
}

/** Blocks that are looked into in one reading: 64 MB. */
const BLOCKS_MAX = 16_384;

/** By partition. Rejects where Kafka does not answer. */
export async function checkTopic(log: LogCheck, options: TopicCheckOptions): Promise<Map<number, TopicFigures>> {
  const { client, identity, findings } = options;
  const state = await describe(client, identity.topic);
  if (state === null) {
    findings.add({ kind: "topic", detail: `there is no topic ${identity.topic}` });
    return new Map();
  }
  const found = { clusterId: state.clusterId, topic: identity.topic, topicId: state.topicId };
  if (!isSameTopic(found, { ...identity, clusterId: identity.clusterId || state.clusterId })) {
    findings.add({
      kind: "topic",
      detail: `the topic ${identity.topic} there is another one than the log's (another cluster, or made anew): nothing was compared`,
    });
    return new Map();
  }
  return compare(log, state, options);
}

async function compare(
  log: LogCheck,
  { watermarks }: TopicState,
  { client, identity: { topic }, isComplete, findings, readAgain }: TopicCheckOptions,
): Promise<Map<number, TopicFigures>> {
  const offsets = new Map<number, Intervals>();
  const blocks = new Blocks();
  const stretches = new Map(
    Array.from(watermarks, ([partition, { low, high }]) => {
      offsets.set(partition, new Intervals());
      const own = log.partitions.get(partition)?.offsets;
      const first = isComplete ? low : Math.max(low, own?.first ?? high);
      return [partition, { first, last: isComplete ? high - 1 : Math.min(high - 1, own?.last ?? -1) }];
    }),
  );
  await readLines(client, topic, stretches, ({ partition, offset }, line) => {
    offsets.get(partition)!.add(offset);
    blocks.add(partition, offset, line);
  });
  const figures = new Map<number, TopicFigures>();
  for (const [partition, { low, high }] of watermarks) {
    const own = log.partitions.get(partition)?.offsets ?? new Intervals();
    const there = offsets.get(partition)!;
    const missing = there.without(own);
    for (const stretch of missing)
      findings.add(
        { kind: "missing", partition, offsets: stretch, detail: "in the topic, and not in the log" },
        countOf([stretch]),
      );
    const absent = own.without(there);
    const ahead = absent.filter(({ last }) => last >= high);
    for (const stretch of ahead)
      findings.add(
        { kind: "topic", partition, offsets: stretch, detail: "in the log, and past the topic's end" },
        countOf([stretch]),
      );
    figures.set(partition, {
      missing: countOf(missing),
      behind: Math.max(0, high - 1 - Math.max(own.last ?? -1, low - 1)),
      gone: countOf(absent) - countOf(ahead),
    });
  }
  for (const [partition] of log.partitions) {
    if (!watermarks.has(partition))
      findings.add({ kind: "topic", partition, detail: "in the log, and no partition of the topic" });
  }
  await lookInto(log.blocks.differing(blocks), { watermarks, client, topic, findings, readAgain });
  return figures;
}

/**
 * A block may differ because something is missing, or gone. What differs line by line is found by reading both again, as often as it
 * takes to do so with bounded memory.
 */
async function lookInto(differing: readonly Block[], parts: LookParts): Promise<void> {
  for (let at = 0; at < differing.length; at += BLOCKS_MAX)
    await lookIntoSome(differing.slice(at, at + BLOCKS_MAX), parts);
}

interface LookParts extends Pick<TopicCheckOptions, "client" | "findings" | "readAgain"> {
  readonly topic: string;
  readonly watermarks: TopicState["watermarks"];
}

async function lookIntoSome(blocks: readonly Block[], parts: LookParts): Promise<void> {
  const { client, topic, findings, readAgain, watermarks } = parts;
  const lines = new BlockLines(blocks);
  await readLines(client, topic, stretchesOf(blocks, watermarks), ({ partition, offset }, line) =>
    lines.add(partition, offset, line),
  );
  await readAgain(({ partition, offset }, line, place: LinePlace) => {
    if (!lines.differs(partition, offset, line)) return;
    const offsets = { first: offset, last: offset };
    findings.add({ ...place, kind: "different", partition, offsets, detail: "not what the topic has" });
  });
}

/** By partition, from the first to the last of these blocks, as far as the topic goes. */
function stretchesOf(blocks: readonly Block[], watermarks: TopicState["watermarks"]): Map<number, Stretch> {
  const stretches = new Map<number, Stretch>();
  for (const { partition, block } of blocks) {
    const { low = 0, high = 0 } = watermarks.get(partition) ?? {};
    const start = block * BLOCK_OFFSETS;
    const first = stretches.get(partition)?.first ?? Math.max(low, start);
    stretches.set(partition, { first, last: Math.min(high, start + BLOCK_OFFSETS) - 1 });
  }
  return stretches;
}
