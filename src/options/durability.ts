/** Options of `bun run serve` about what it promises: when it answers, what it remembers, how it stops. */
import { integer, text } from "./core.ts";

export const durabilityOptions = {
  dedupeWindow: integer({
    flag: "dedupe-window",
    placeholder: "<events>",
    min: 0,
    max: 10_000_000,
    default: 0,
    help: "how many of the last events are remembered, so that one sent again with the same id is not published again; about 300 bytes each; 0: none",
  }),
  filedGroup: text({
    flag: "filed-group",
    placeholder: "<group>",
    default: "sluice",
    help: "the consumer group whose committed offsets ?ack=filed waits for",
  }),
  filedTimeoutMs: integer({
    flag: "filed-timeout-ms",
    placeholder: "<ms>",
    min: 100,
    max: 40_000,
    default: 10_000,
    help: "how long ?ack=filed waits after Kafka's acknowledgement; then the answer says acked",
  }),
  maxMemoryMb: integer({
    flag: "max-memory-mb",
    placeholder: "<MB>",
    min: 100,
    max: 1_000_000,
    default: 1000,
    help: "near this much memory of the whole process, a tenth of --max-pending-events and --max-pending-bytes must do",
  }),
  drainDelayMs: integer({
    flag: "drain-delay-ms",
    placeholder: "<ms>",
    min: 0,
    max: 300_000,
    default: 0,
    help: "from SIGTERM, with /readyz at 503, to the end of intake: time for load balancers to look elsewhere",
  }),
  drainTimeoutMs: integer({
    flag: "drain-timeout-ms",
    placeholder: "<ms>",
    min: 100,
    max: 300_000,
    default: 15_000,
    help: "from the end of intake to the end of the process, at the most; what Kafka has not taken by then is given up, answered and counted",
  }),
};
