/**
 * `bun run kafka up|down|status`: a Kafka for development, in Docker or from Apache Kafka's own jars.
 * Exit codes: 0 done (status: up), 1 could not be done, 2 asked wrongly, 3 status: down.
 */
import { parseOptions, UsageError } from "../src/options/core.ts";
import { helpText } from "../src/options/help.ts";
import { kafkaCommandOptions } from "../src/options/kafka-command.ts";
import { actions } from "./kafka/command.ts";
import { KafkaFailure } from "./kafka/failure.ts";

const USAGE = "bun run kafka up|down|status [options]";
const ABOUT =
  "Starts, stops or shows a Kafka for development: docker compose where an engine answers, else Apache Kafka's jars.";

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes("--help") || argv.includes("-h")) {
    console.log(helpText(USAGE, ABOUT, kafkaCommandOptions));
    return 0;
  }
  const [name = "", ...flags] = argv;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (!action)
    throw new UsageError(`${name === "" ? "say what to do" : `unknown command ${JSON.stringify(name)}`}: ${USAGE}`);
  return action(parseOptions(kafkaCommandOptions, flags, process.env), (line) => console.log(line));
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof KafkaFailure)) throw error;
  console.error(`kafka: ${error.message}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
