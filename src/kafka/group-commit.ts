/** Commits for a consumer group from outside of it. Kafka takes that only while the group has no members. */
import { splitCommit } from "./commit-result.ts";
import { consumerConfig, toProperties } from "./config.ts";
import { codeName } from "./error.ts";
import { type KafkaLog, logError, logLine } from "./log.ts";
import { ClientHandle, ConsumerCalls } from "./native/index.ts";
import type { Properties } from "./properties.ts";

export interface GroupClient {
  readonly brokers: string;
  readonly group: string;
  readonly properties?: Properties | undefined;
  readonly log: KafkaLog;
}

const TIMEOUT_MS = 5000;

/** Waits for the answer: not for a thread that serves others. A group with members has a start already, and that stays. */
export function commitForGroup(
  { brokers, group, properties, log }: GroupClient,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): boolean {
  const settings = toProperties(consumerConfig({ brokers, group, properties, from: "latest" }));
  const client = new ClientHandle("consumer", settings, {
    onLog: (event) => logLine(log, "group", event),
    onError: (event) => logError(log, "group", event),
    onOther: () => {},
  });
  let calls: ConsumerCalls | undefined;
  try {
    calls = new ConsumerCalls(client);
    const list = Array.from(offsets, ([partition, offset]) => ({ topic, partition, offset }));
    const result = calls.commitAndWait(list, TIMEOUT_MS);
    const failure = result && splitCommit(result).errorCode;
    if (failure !== 0)
      log("info", "the group's start was not committed", { error: failure === undefined ? null : codeName(failure) });
    return failure === 0;
  } finally {
    calls?.destroy();
    client.destroyHere();
  }
}
