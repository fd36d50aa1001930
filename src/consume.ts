/** `bun run consume`: writes the topic's records to a log file, a line each. Exits 0 when it was asked to stop and all was written. */
import { resolve } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { runCommand } from "./command.ts";
import { consume, handlerProblem } from "./consume/index.ts";
import { adminConfig, consumerConfig } from "./kafka/index.ts";
import { kafkaProperties } from "./kafka-config.ts";
import { createLog } from "./log.ts";
import { consumeOptions } from "./options/consume.ts";
import { UsageError } from "./options/core.ts";

await runCommand({
  name: "consume",
  about:
    "Reads the topic as a consumer group of threads and writes a JSON line a record to the log file (tail -f it), each record once.\n" +
    "A missing topic is awaited. What is in the file is committed; SIGTERM or Ctrl-C finishes what was read.",
  options: consumeOptions,
  run: async (options, stop) => {
    const problem = options.handler === undefined ? undefined : await handlerProblem(resolve(options.handler));
    if (problem) throw new UsageError(`--handler ${options.handler}: ${problem}`);
    if (options.handler !== undefined && options.deadLetterTopic === options.kafkaTopic)
      throw new UsageError(
        "--dead-letter-topic must be another topic than --kafka-topic: what fails would come back for ever",
      );
    const { kafkaBrokers: brokers, kafkaGroup: group, from } = options;
    const properties = kafkaProperties(options.kafkaConfig, (given) => [
      { type: "consumer", config: adminConfig({ brokers, group, properties: given }) },
      { type: "consumer", config: consumerConfig({ brokers, group, from, properties: given }) },
    ]);
    return consume(
      { ...options, properties, version: packageJson.version },
      stop,
      createLog("consume", options.logLevel),
    );
  },
});
