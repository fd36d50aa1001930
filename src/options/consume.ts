/** Options of `bun run consume`. */
import { kafkaOptions, logLevel } from "./common.ts";
import { choice, integerOr, text } from "./core.ts";

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
  logFile: text({
    flag: "log-file",
    placeholder: "<path>",
    default: "consumer.log",
    help: "the file that gets a line a record; one consume process a file",
  }),
  logLevel,
};
