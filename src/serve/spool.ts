/** The spool's place in serve: between ingest, which puts into it, and Kafka, which it drains to. */
import { join } from "node:path";
import type { Ingest } from "../ingest/index.ts";
import type { Log } from "../log.ts";
import type { Place } from "../processes/index.ts";
import { Spool, SpoolError, type SpoolOutcome, spoolsOfOthers } from "../spool/index.ts";
import type { connect } from "./kafka.ts";

interface Options {
  readonly spoolMaxBytes: number;
  readonly maxPendingEvents: number;
  readonly topics: readonly string[];
  /** Of this process among others; undefined: there is one. */
  readonly place: Place | undefined;
}

/** Rejects with `SpoolError`. `ingest` is asked for only once something drains. */
export async function openSpool(
  { spoolMaxBytes, maxPendingEvents, topics: names, place }: Options,
  folder: string,
  { producer, reachability, topics }: ReturnType<typeof connect>,
  ingest: () => Ingest,
  log: Log,
): Promise<Spool> {
  // The first process asks before there are others.
  if (place?.port === undefined) refuseForgotten(folder, place?.of ?? 1);
  return Spool.open({
    folder: place ? join(folder, String(place.index)) : folder,
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

/** Events that were spooled by another number of processes lie where none of these would look. Throws `SpoolError`. */
function refuseForgotten(folder: string, processes: number): void {
  const [forgotten] = spoolsOfOthers(folder, processes);
  if (forgotten === undefined) return;
  throw new SpoolError(
    `the spool folder ${forgotten.folder} holds ${forgotten.events} events of a run with another number of processes: start with --processes ${forgotten.processes} until they are in Kafka, or move it away`,
  );
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
