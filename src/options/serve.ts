/** Options of `bun run serve`. */
import { kafkaOptions, logLevel, topicCreationOptions } from "./common.ts";
import { integer, integerOr, text } from "./core.ts";

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
  deliveryTimeoutMs: integer({
    flag: "delivery-timeout-ms",
    placeholder: "<ms>",
    min: 3000,
    max: 200_000,
    default: 10_000,
    help: "from an event's acceptance to its outcome, at the most",
  }),
  lingerMs: integerOr({
    flag: "linger-ms",
    placeholder: "<ms>",
    min: 0,
    max: 5000,
    defaultText: "adaptive: what arrives in one turn of the event loop goes together",
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
  logLevel,
};
