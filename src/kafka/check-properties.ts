/** Shows the user's properties to librdkafka before anything starts: every mistake that it can find, it finds here. */
import { type ClientConfig, type ConsumerConfig, ownership, type ProducerConfig, toProperties } from "./config.ts";
import { requireFeatures } from "./features.ts";
import { ClientHandle, ConfigurationError, library, refuseProperty } from "./native/index.ts";
import type { Properties } from "./properties.ts";

/** A client as the command will make it. */
export interface PlannedClient {
  readonly type: "producer" | "consumer";
  readonly config: ClientConfig | ProducerConfig | ConsumerConfig;
}

/** Throws `ConfigurationError`, which names the property and never its value where that is a secret. */
export function checkProperties(properties: Properties, clients: readonly PlannedClient[]): void {
  for (const name of Object.keys(properties)) {
    const owned = ownership(name);
    if (owned?.option) throw new ConfigurationError(`${name} is set by ${owned.option}`);
    if (owned) throw new ConfigurationError(`${name} is set by Sluice alone: its guarantees rest on it`);
  }
  // Before librdkafka is asked: it refuses what it was built without, too, but does not say what to install.
  requireFeatures(properties, library().info);
  for (const [name, value] of Object.entries(properties)) refuseProperty(name, value);
  // Files that cannot be read, properties that do not go together: only a whole client finds these. Without brokers it connects nowhere.
  for (const { type, config } of clients) {
    const { "bootstrap.servers": _, ...rest } = toProperties(config);
    requireFeatures(rest, library().info);
    const client = new ClientHandle(type, rest, { onLog: () => {}, onError: () => {}, onOther: () => {} });
    void client.destroy();
  }
}
