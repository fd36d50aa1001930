/** The spool's place in serve: between ingest, which puts into it, and Kafka, which it drains to. */
import type { Ingest } from "../ingest/index.ts";
import type { Log } from "../log.ts";
import { Spool } from "../spool/index.ts";
import type { connect } from "./kafka.ts";

interface Limits {
  readonly spoolMaxBytes: number;
  readonly maxPendingEvents: number;
}

/** Rejects with `SpoolError`. `ingest` is asked for only once something drains. */
export function openSpool(
  { spoolMaxBytes, maxPendingEvents }: Limits,
  folder: string,
  { producer, reachability, topics }: ReturnType<typeof connect>,
  ingest: () => Ingest,
  log: Log,
): Promise<Spool> {
  return Spool.open({
    folder,
    maxBytes: spoolMaxBytes,
    log,
    drain: {
      publish: (records, settle) => producer.publish(records, settle),
      isKafkaThere: () => reachability.isReachable && topics.every((topic) => topic.isReady),
      pressure: () => ingest().fill.pendingEvents / maxPendingEvents,
      log,
    },
  });
}
