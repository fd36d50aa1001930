/**
 * Which partitions of a commit the group has. Kafka answers for each. librdkafka 2.15.1 gives the error of one to all of them, which
 * does no harm: what is given back is committed again. Where a library does not, only what failed is told as failed.
 */
import type { CommitResult, PartitionOffset } from "./native/index.ts";

export interface SplitCommit {
  readonly committed: readonly PartitionOffset[];
  readonly failed: readonly PartitionOffset[];
  /** Of those that failed, or of the request as a whole; 0 where all went well. */
  readonly errorCode: number;
}

/** `asked` is what stands for all of them where the request failed and no partition has an error of its own. */
export function splitCommit(
  { errorCode, partitions }: CommitResult,
  asked: readonly PartitionOffset[] = partitions,
): SplitCommit {
  const failed = partitions.filter((partition) => partition.errorCode !== 0);
  if (failed.length === 0 && errorCode !== 0) return { committed: [], failed: asked, errorCode };
  const committed = partitions.filter((partition) => partition.errorCode === 0);
  return { committed, failed, errorCode: failed[0]?.errorCode ?? 0 };
}
