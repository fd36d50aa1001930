/** Preloaded by `bun test` (bunfig.toml): what the whole run shares is stopped at its end. */
import { afterAll } from "bun:test";
import { stopTestKafka } from "./support/cluster.ts";

// Kafka has 15 s to end by itself.
afterAll(stopTestKafka, 60_000);
