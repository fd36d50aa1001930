/** Options of `bun run serve`. */
import { accessOptions, checkAccess } from "./access.ts";
import { kafkaOptions, logLevel, topicCreationOptions, topicProblem } from "./common.ts";
import { choice, integer, integerOr, onOff, text, textOr, UsageError, type Values } from "./core.ts";
import { durabilityOptions } from "./durability.ts";
import { checkProcesses, processOptions } from "./processes.ts";
import { spoolOptions } from "./spool.ts";

const DELIVERY_TIMEOUT_MIN_MS = 3000;

export const serveOptions = {
  ...kafkaOptions,
  ...topicCreationOptions,
  host: text({ flag: "host", placeholder: "<address>", default: "127.0.0.1", help: "the address to listen on" }),
  port: integer({
    flag: "port",
    placeholder: "<port>",
    min: 0,
    max: 65_535,
    default: 8000,
    help: "the port to listen on; 0 takes a free one",
  }),
  ...processOptions,
  ...accessOptions,
  deliveryTimeoutMs: integer({
    flag: "delivery-timeout-ms",
    placeholder: "<ms>",
    min: DELIVERY_TIMEOUT_MIN_MS,
    max: 200_000,
    default: 10_000,
    help: "from an event's acceptance to its outcome, at the most",
  }),
  lingerMs: integerOr({
    flag: "linger-ms",
    placeholder: "<ms>",
    min: 0,
    max: 5000,
    defaultText: "adaptive: what arrives in one turn of the event loop goes together, under load up to 2 ms later",
    help: "how long an event may wait in the buffer for company",
  }),
  batchMaxEvents: integerOr({
    flag: "batch-max-events",
    placeholder: "<count>",
    min: 1,
    max: 100_000,
    defaultText: "adaptive: no limit of its own",
    help: "the buffer is handed to Kafka when it holds this many events",
  }),
  batchMaxBytes: integerOr({
    flag: "batch-max-bytes",
    placeholder: "<bytes>",
    min: 1,
    max: 1_000_000_000,
    defaultText: "adaptive: no limit of its own",
    help: "the buffer is handed to Kafka when it holds this many bytes",
  }),
  maxEventBytes: integer({
    flag: "max-event-bytes",
    placeholder: "<bytes>",
    min: 100,
    max: 100_000_000,
    default: 1_000_000,
    help: "the largest event: value, key and headers together",
  }),
  maxBatchEvents: integer({
    flag: "max-batch-events",
    placeholder: "<count>",
    min: 1,
    max: 1_000_000,
    default: 10_000,
    help: "events in one request, at the most",
  }),
  maxBatchBytes: integer({
    flag: "max-batch-bytes",
    placeholder: "<bytes>",
    min: 1000,
    max: 1_000_000_000,
    default: 16_000_000,
    help: "the largest body of a batch, decoded",
  }),
  bodyTimeoutMs: integer({
    flag: "body-timeout-ms",
    placeholder: "<ms>",
    min: 100,
    max: 200_000,
    default: 30_000,
    help: "how long a request's body may take to arrive; past it 408",
  }),
  ack: choice({
    flag: "ack",
    choices: ["all", "queued", "filed"],
    default: "all",
    help: "what a request without ?ack= waits for: all in-sync replicas; only the buffer (such events may be lost); the line in the log file",
  }),
  keyMember: textOr({
    flag: "key-member",
    placeholder: "<member>",
    defaultText: "none",
    help: "the member of an event that is its record key, unless ?key= says otherwise",
  }),
  topics: textOr({
    flag: "topics",
    placeholder: "<topic,…>",
    defaultText: "only that of --kafka-topic",
    help: "more topics, for POST /topics/<topic>/events",
    check: topicsProblem,
  }),
  schemas: textOr({
    flag: "schemas",
    placeholder: "<folder>",
    defaultText: "none",
    help: "JSON Schemas that events must fit: <event type>.json each, _default.json for other types",
  }),
  schemasUnknown: choice({
    flag: "schemas-unknown",
    choices: ["take", "refuse"],
    default: "take",
    help: "what becomes of events whose type has no schema",
  }),
  deadLetter: onOff({
    flag: "dead-letter",
    help: "publish what a schema refuses to the topic of --dead-letter-topic, with the reason as headers",
  }),
  deadLetterTopic: text({
    flag: "dead-letter-topic",
    placeholder: "<topic>",
    default: "events.rejected",
    help: "where --dead-letter puts events",
    check: topicProblem,
  }),
  maxPendingEvents: integer({
    flag: "max-pending-events",
    placeholder: "<count>",
    min: 1,
    max: 5_000_000,
    default: 100_000,
    help: "events accepted and not yet answered, at the most; past it 503",
  }),
  maxPendingBytes: integer({
    flag: "max-pending-bytes",
    placeholder: "<bytes>",
    min: 1000,
    max: 2_000_000_000,
    default: 128_000_000,
    help: "bytes of events accepted and not yet answered, at the most; past it 503",
  }),
  ...durabilityOptions,
  ...spoolOptions,
  logLevel,
};

/** What can only be judged of several options together. Throws `UsageError`. */
export function checkServe(options: Values<typeof serveOptions>): void {
  checkAccess(options);
  const { lingerMs = 0, deliveryTimeoutMs, maxEventBytes, maxPendingBytes, deadLetterTopic } = options;
  if (options.deadLetter && [options.kafkaTopic, ...(options.topics?.split(",") ?? [])].includes(deadLetterTopic)) {
    throw new UsageError(
      `--dead-letter-topic ${deadLetterTopic} is a topic that events go to: what a schema refuses would stand among what it takes`,
    );
  }
  if (deliveryTimeoutMs - lingerMs < DELIVERY_TIMEOUT_MIN_MS) {
    throw new UsageError(
      `--linger-ms ${lingerMs} leaves too little of --delivery-timeout-ms ${deliveryTimeoutMs}: it must be ${DELIVERY_TIMEOUT_MIN_MS} ms less`,
    );
  }
  if (maxPendingBytes < maxEventBytes) {
    throw new UsageError(
      `--max-pending-bytes ${maxPendingBytes} is less than --max-event-bytes ${maxEventBytes}: the largest event would never be taken`,
    );
  }
  checkProcesses(options);
}

function topicsProblem(list: string): string | undefined {
  return list
    .split(",")
    .map(topicProblem)
    .find((problem) => problem !== undefined);
}
