/** Every suite, by the name that `--suite` knows. */
import type { SuiteName } from "../../../src/options/bench.ts";
import type { Suite } from "../suite.ts";
import { batch } from "./batch.ts";
import { consume } from "./consume.ts";
import { growth } from "./growth.ts";
import { http } from "./http.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { processes } from "./processes.ts";
import { publishSuite } from "./publish.ts";

export const SUITES: Readonly<Record<SuiteName, Suite>> = {
  http,
  batch,
  publish: publishSuite,
  consume,
  latency,
  processes,
  growth,
  memory,
};
