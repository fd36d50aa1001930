/** Options that more than one command has. */
import { choice, integer, integerOr, list, text } from "./core.ts";

const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

/** What Kafka allows as a topic's name. */
export function topicProblem(name: string): string | undefined {
  if (name === "." || name === "..") return "must not be . or ..";
  return TOPIC.test(name) ? undefined : "must be 1 to 249 letters, digits, dots, underscores or hyphens";
}

/** "host:port,…" */
export function brokersProblem(list: string): string | undefined {
  for (const broker of list.split(",")) {
    const port = /^(?:[^\s:,[\]]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(broker.trim())?.[1];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535)
      return "must be host:port, or several with commas between";
  }
  return undefined;
}

export const logLevel = choice({
  flag: "log-level",
  choices: ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
  default: "info",
  help: "the least severe log line that is written",
});

/** TLS, passwords and whatever else librdkafka can be told. */
export const kafkaConfig = list({
  flag: "kafka-config",
  placeholder: "<file|name=value>",
  help: "librdkafka properties, from a file or one by one; repeat the flag, or a line each in the variable",
});

/** Where Kafka is; for every command that talks to it. */
export const kafkaOptions = {
  kafkaBrokers: text({
    flag: "kafka-brokers",
    placeholder: "<host:port,…>",
    default: "127.0.0.1:9092",
    help: "where to find the Kafka cluster",
    check: brokersProblem,
  }),
  kafkaConfig,
  kafkaTopic: text({
    flag: "kafka-topic",
    placeholder: "<topic>",
    default: "events",
    help: "the topic of the events",
    check: topicProblem,
  }),
};

/** How a missing topic is made. */
export const topicCreationOptions = {
  kafkaPartitions: integer({
    flag: "kafka-partitions",
    placeholder: "<count>",
    min: 1,
    max: 10_000,
    default: 4,
    help: "partitions of a topic that has to be created",
  }),
  kafkaReplication: integerOr({
    flag: "kafka-replication",
    placeholder: "<count>",
    min: 1,
    max: 100,
    defaultText: "min(3, brokers)",
    help: "replicas of a topic that has to be created; min.insync.replicas is min(2, replicas)",
  }),
};
