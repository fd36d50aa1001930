/** `bun run verify`: whether a log is what it should be. Exit 0 where it is, 1 where it is not (or cannot be read). */
import { runCommand } from "./command.ts";
import { consumerConfig } from "./kafka/index.ts";
import { kafkaProperties } from "./kafka-config.ts";
import { createLog } from "./log.ts";
import { verifyOptions } from "./options/verify.ts";
import { verdictAsJson, verdictAsText, verify } from "./verify/index.ts";

await runCommand({
  name: "verify",
  about:
    "Reads a log with its closed files and manifests, and with --kafka-brokers the topic, and says per partition what is there, missing,\n" +
    "duplicated, out of order or damaged. Changes nothing. Exit 0 only where all is as it should be.",
  options: verifyOptions,
  run: async (options) => {
    const { kafkaBrokers: brokers } = options;
    const log = createLog("verify", "error");
    const properties = kafkaProperties(options.kafkaConfig, (given) => [
      {
        type: "consumer",
        config: consumerConfig({ brokers: brokers ?? "", group: "-", from: "earliest", properties: given }),
      },
    ]);
    const verdict = await verify({
      logFile: options.logFile,
      client:
        brokers === undefined
          ? undefined
          : { brokers, properties, log: (level, message, fields) => log[level](fields, message) },
      isComplete: options.complete,
      allowsGaps: options.allowGaps,
    });
    await Bun.write(Bun.stdout, options.json ? verdictAsJson(verdict) : verdictAsText(verdict));
    return verdict.findings.isClean ? 0 : 1;
  },
});
