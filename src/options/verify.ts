/** Options of `bun run verify`. */
import { brokersProblem, kafkaConfig } from "./common.ts";
import { onOff, text, textOr } from "./core.ts";

export const verifyOptions = {
  logFile: text({
    flag: "log-file",
    placeholder: "<path>",
    default: "consumer.log",
    help: "the live file of the log; its closed files and manifests are found beside it",
  }),
  kafkaBrokers: textOr({
    flag: "kafka-brokers",
    placeholder: "<host:port,…>",
    defaultText: "none: the files alone are looked at",
    help: "the cluster to hold the log against, record by record",
    check: brokersProblem,
  }),
  kafkaConfig,
  complete: onOff({ flag: "complete", help: "records that the log does not have yet, or no more, are missing, too" }),
  allowGaps: onOff({
    flag: "allow-gaps",
    help: "offsets without a line are no fault: for compacted and transactional topics, where no cluster can be asked",
  }),
  json: onOff({ flag: "json", help: "print the findings as one JSON object" }),
};
