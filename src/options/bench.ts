/** Options of `bun run bench`. */
import { brokersProblem } from "./common.ts";
import { integer, onOff, text, textOr } from "./core.ts";

export const SUITE_NAMES = ["http", "batch", "publish", "consume", "latency", "processes", "growth", "memory"] as const;
export const BASELINE_NAMES = ["fastapi", "bare"] as const;

export type SuiteName = (typeof SUITE_NAMES)[number];
export type BaselineName = (typeof BASELINE_NAMES)[number];

/** The pieces of a list that `namesProblem` let through. */
export function namesIn<const N extends string>(known: readonly N[], value: string | undefined): N[] {
  const given = new Set(value?.split(",") ?? []);
  return known.filter((name) => given.has(name));
}

function namesProblem(known: readonly string[]): (value: string) => string | undefined {
  return (value) =>
    value.split(",").every((name) => known.includes(name))
      ? undefined
      : `must be ${known.join(", ")}, or several of them with commas between`;
}

export const benchOptions = {
  suite: text({
    flag: "suite",
    placeholder: "<name,…>",
    default: "http,batch,publish,consume,latency,processes",
    help: `what is measured: ${SUITE_NAMES.join(", ")}`,
    check: namesProblem(SUITE_NAMES),
  }),
  rounds: integer({
    flag: "rounds",
    placeholder: "<count>",
    min: 1,
    max: 100,
    default: 3,
    help: "how often each is measured, in turn with the others of its suite",
  }),
  seconds: integer({
    flag: "seconds",
    placeholder: "<s>",
    min: 1,
    max: 3600,
    default: 5,
    help: "how long one measurement under load takes",
  }),
  against: textOr({
    flag: "against",
    placeholder: "<commit>",
    defaultText: "none",
    help: "another commit of this repository, measured in turn with the files as they are",
    check: (value) => (value.startsWith("-") ? "must be a commit" : undefined),
  }),
  baseline: textOr({
    flag: "baseline",
    placeholder: "<name,…>",
    defaultText: "none",
    help: "servers to measure beside serve: fastapi (the service that Sluice replaces), bare (Bun.serve that only parses the body)",
    check: namesProblem(BASELINE_NAMES),
  }),
  kafkaBrokers: textOr({
    flag: "kafka-brokers",
    placeholder: "<host:port,…>",
    defaultText: "a broker that is started for each suite, and thrown away",
    help: "the Kafka to measure with; the topics that are made there stay",
    check: brokersProblem,
  }),
  consumeRecords: integer({
    flag: "consume-records",
    placeholder: "<count>",
    min: 1000,
    max: 1_000_000_000,
    default: 2_000_000,
    help: "records that the suite consume reads",
  }),
  memoryEvents: integer({
    flag: "memory-events",
    placeholder: "<count>",
    min: 1000,
    max: 10_000_000_000,
    default: 10_000_000,
    help: "events that the suite memory sends",
  }),
  write: onOff({
    flag: "write",
    help: "keep the results in bench/results, and renew docs/PERFORMANCE.md and its charts",
  }),
  guard: onOff({
    flag: "guard",
    help: "instead: exit 1 where serve is much slower than it should be, beside a bare Bun server",
  }),
  checkReadme: onOff({ flag: "check-readme", help: "instead: run the README's oha commands for a second each" }),
};
