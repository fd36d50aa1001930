/** `--kafka-config` as the commands take it: read and checked before anything starts; what is wrong with it is a usage error. */
import {
  ConfigurationError,
  checkProperties,
  type PlannedClient,
  type Properties,
  readProperties,
} from "./kafka/index.ts";
import { UsageError } from "./options/core.ts";

/** `clients` are those that the command will make with these properties. Throws `UsageError`. */
export function kafkaProperties(
  given: readonly string[],
  clients: (properties: Properties) => readonly PlannedClient[],
): Properties {
  if (given.length === 0) return {};
  try {
    const properties = readProperties(given);
    checkProperties(properties, clients(properties));
    return properties;
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw new UsageError(`--kafka-config (KAFKA_CONFIG): ${cause.message}`);
    throw cause;
  }
}
