/** Options of `bun run consume`. */
import { kafkaOptions, logLevel } from "./common.ts";
import { choice, integer, integerOr, text } from "./core.ts";
import { handlerOptions } from "./handler.ts";
import { logFileOptions } from "./log-file.ts";

export const consumeOptions = {
  ...kafkaOptions,
  kafkaGroup: text({
    flag: "kafka-group",
    placeholder: "<group>",
    default: "sluice",
    help: "the consumer group, which remembers how far was read",
  }),
  from: choice({
    flag: "from",
    choices: ["earliest", "latest"],
    default: "earliest",
    help: "where a group starts that has read nothing yet",
  }),
  workers: integerOr({
    flag: "workers",
    placeholder: "<count>",
    min: 1,
    max: 256,
    defaultText: "one per core, at most the partitions",
    help: "threads that read, each a member of the group",
  }),
  ...logFileOptions,
  ...handlerOptions,
  drainTimeoutMs: integer({
    flag: "drain-timeout-ms",
    placeholder: "<ms>",
    min: 1000,
    max: 300_000,
    default: 20_000,
    help: "from SIGTERM to the end of the process, at the most; what is not written and committed by then is read again by the next start",
  }),
  metricsPort: integerOr({
    flag: "metrics-port",
    placeholder: "<port>",
    min: 0,
    max: 65_535,
    defaultText: "none",
    help: "where /metrics and /livez are to be had; 0 takes a free port",
  }),
  metricsHost: text({
    flag: "metrics-host",
    placeholder: "<address>",
    default: "127.0.0.1",
    help: "the address of --metrics-port",
  }),
  logLevel,
};
