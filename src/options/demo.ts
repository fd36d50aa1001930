/** Options of `bun run demo`. */
import { brokersProblem, kafkaConfig, logLevel, topicProblem } from "./common.ts";
import { integer, text, textOr } from "./core.ts";
import { simulateOptions } from "./simulate.ts";

export const demoOptions = {
  kafkaBrokers: textOr({
    flag: "kafka-brokers",
    placeholder: "<host:port,…>",
    defaultText: "a broker embedded in the demo, which keeps nothing",
    help: "the Kafka cluster to run on",
    check: brokersProblem,
  }),
  kafkaConfig,
  kafkaTopic: textOr({
    flag: "kafka-topic",
    placeholder: "<topic>",
    defaultText: "a new one for each run",
    help: "the topic of the events",
    check: topicProblem,
  }),
  events: simulateOptions.events,
  concurrency: simulateOptions.concurrency,
  rate: simulateOptions.rate,
  seed: simulateOptions.seed,
  port: integer({
    flag: "port",
    placeholder: "<port>",
    min: 0,
    max: 65_535,
    default: 0,
    help: "where serve listens meanwhile; 0 takes a free port",
  }),
  logFile: text({
    flag: "log-file",
    placeholder: "<path>",
    default: "demo.log",
    help: "the log file, written afresh each time",
  }),
  logLevel,
};
