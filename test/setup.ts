/** Preloaded by `bun test` (bunfig.toml): what the whole run shares is stopped at its end. */
import { afterAll } from "bun:test";
import { stopTestKafka } from "./support/cluster.ts";

afterAll(stopTestKafka);
