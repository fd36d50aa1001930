/** The spool's place in serve: between ingest, which puts into it, and Kafka, which it drains to. */
import type { Ingest } from "../ingest/index.ts";
import type { Log } from "../log.ts";
import { Spool, type SpoolOutcome } from "../spool/index.ts";
import type { connect } from "./kafka.ts";

interface Options {
  readonly spoolMaxBytes: number;
  readonly maxPendingEvents: number;
  readonly topics: readonly string[];
}

/** Rejects with `SpoolError`. `ingest` is asked for only once something drains. */
export function openSpool(
  { spoolMaxBytes, maxPendingEvents, topics: names }: Options,
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
      publish(records, settle) {
        // What lingers came before, also what has the same key.
        ingest().flush();
        producer.publish(records, (record, outcome) => settle(record, ofTopic(names, record.topic, outcome)));
      },
      isKafkaThere: () => reachability.isReachable && topics.every((topic) => topic.isReady),
      pressure: () => ingest().fill.pendingEvents / maxPendingEvents,
      log,
    },
  });
}

/**
 * An event spooled for a topic that serve had then, has no more, and Kafka does not have either would be tried for ever, and keep all
 * that lies behind it.
 */
export function ofTopic(topics: readonly string[], topic: string, outcome: SpoolOutcome): SpoolOutcome {
  if (outcome.status !== "refused" || topics.includes(topic) || !outcome.detail.includes("UNKNOWN_TOPIC"))
    return outcome;
  const detail = `the topic ${topic} is no longer one of serve's: ${outcome.detail}`;
  return { status: "refused", code: "rejected_by_kafka", detail };
}
