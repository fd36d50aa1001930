/** The scenarios, as data: what is done how often to what, and what is expected of it. `run.ts` plays them. */
import type { FAULTS } from "./faults.ts";

export interface Scenario {
  readonly name: string;
  /** As the report says it. */
  readonly text: string;
  /** For the mock cluster, each round is a run of its own, with an error code of `error-codes.ts`. */
  readonly fault: keyof typeof FAULTS | "requestError";
  readonly kafka: "three brokers" | "mock";
  readonly rounds: { readonly long: number; readonly short: number };
  /** How long a fault lasts, where it does. */
  readonly faultMs: { readonly long: number; readonly short: number };
  readonly partitions: number;
  readonly eventsPerS: number;
  readonly serve: readonly string[];
  readonly consume: readonly string[];
  readonly hasSpool?: true;
  readonly smallDiskFor?: "log" | "spool";
  /** What the log loses is the fault itself: `bun run verify` would rightly say so. */
  readonly logIsTakenAway?: true;
  readonly partitionsRaised?: true;
  readonly killedAmongOthers?: true;
  /** Retries after these refusals never come: valid events must not get any others that are final. */
  readonly finalRefusals?: readonly string[];
  /** What a user sees of what cannot be promised, for the report. */
  readonly remark: string;
}

const DEDUPE = ["--dedupe-window", "100000"];
const NO_TIME = { long: 0, short: 0 };
const EVENTS_PER_S = 500;
const USUAL = { kafka: "three brokers", partitions: 4, eventsPerS: EVENTS_PER_S, serve: DEDUPE, consume: [] } as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    ...USUAL,
    name: "broker-kill",
    text: "`kill -9` a broker and restart it, leader and follower in turn",
    fault: "killBroker",
    rounds: { long: 10, short: 2 },
    faultMs: { long: 12_000, short: 4000 },
    // So that one of the three leads nothing.
    partitions: 2,
    remark: "answers are late while partitions find new leaders; 504 where that takes longer than the delivery timeout",
  },
  {
    ...USUAL,
    name: "broker-stop",
    text: "`SIGSTOP` a leading broker",
    fault: "stopBroker",
    rounds: { long: 5, short: 1 },
    faultMs: { long: 20_000, short: 12_000 },
    partitions: 2,
    remark: "504 for what was in flight to it; a retry may make a second record, marked `possible_duplicate`",
  },
  {
    ...USUAL,
    name: "outage-spool",
    text: "all brokers down, spool on",
    fault: "killAllBrokers",
    rounds: { long: 1, short: 1 },
    faultMs: { long: 60_000, short: 12_000 },
    hasSpool: true,
    remark:
      "202 with status `spooled`, at least once; what was in flight at that moment waits up to the delivery timeout",
  },
  {
    ...USUAL,
    name: "outage",
    text: "all brokers down, no spool",
    fault: "killAllBrokers",
    rounds: { long: 1, short: 1 },
    faultMs: { long: 60_000, short: 12_000 },
    remark: "503 until they are back; 504 for what was in flight",
  },
  {
    ...USUAL,
    name: "serve-kill",
    text: "`kill -9` serve; clients retry with the same id",
    fault: "killServe",
    rounds: { long: 20, short: 3 },
    faultMs: NO_TIME,
    remark: "cut connections, refused ones, and 503 `starting` until the dedupe window is filled",
  },
  {
    ...USUAL,
    name: "consume-kill",
    text: "`kill -9` consume, its log rotated and compressed meanwhile",
    fault: "killConsume",
    rounds: { long: 20, short: 2 },
    faultMs: NO_TIME,
    consume: ["--rotate-size", "400000", "--compress", "gzip"],
    remark: "lines come again when the group has noticed, after about 6 s",
  },
  {
    ...USUAL,
    name: "consumers-join-leave",
    text: "a second and a third consumer join and leave",
    fault: "joinAndLeave",
    rounds: { long: 10, short: 1 },
    faultMs: { long: 1000, short: 500 },
    partitions: 6,
    consume: ["--workers", "1"],
    remark: "partitions that move rest for about a second",
  },
  {
    ...USUAL,
    name: "consumer-kill-among-three",
    text: "`kill -9` one of three consumers, and it comes back",
    fault: "killOneConsumer",
    rounds: { long: 6, short: 1 },
    faultMs: { long: 9000, short: 8000 },
    partitions: 6,
    consume: ["--workers", "1"],
    killedAmongOthers: true,
    remark: "lines that it had written and not committed are in two logs: once in each",
  },
  {
    ...USUAL,
    name: "log-disk-full",
    text: "the disk of the log full",
    fault: "fillLogDisk",
    rounds: { long: 3, short: 1 },
    faultMs: { long: 5000, short: 2000 },
    smallDiskFor: "log",
    remark: "no lines until there is room; senders notice nothing",
  },
  {
    ...USUAL,
    name: "spool-disk-full",
    text: "the disk of the spool full, while all brokers are down",
    fault: "fillSpoolDisk",
    rounds: { long: 3, short: 1 },
    faultMs: { long: 10_000, short: 4000 },
    hasSpool: true,
    smallDiskFor: "spool",
    remark: "503 `spool_failed` until there is room",
  },
  {
    ...USUAL,
    name: "log-file",
    text: "the log file truncated, deleted, moved with and without SIGHUP",
    fault: "changeLogFile",
    rounds: { long: 4, short: 4 },
    faultMs: NO_TIME,
    logIsTakenAway: true,
    remark: "what was in a file that is cut or deleted is gone with it; nothing is written again",
  },
  {
    ...USUAL,
    name: "partitions",
    text: "partitions raised from 4 to 12",
    fault: "raisePartitions",
    rounds: { long: 1, short: 1 },
    faultMs: NO_TIME,
    partitionsRaised: true,
    remark: "keys move to other partitions: what came before and behind the move is in two of them",
  },
  {
    ...USUAL,
    name: "request-errors",
    text: "produce requests answered with an error, one run a code (mock cluster)",
    fault: "requestError",
    kafka: "mock",
    rounds: { long: Number.POSITIVE_INFINITY, short: Number.POSITIVE_INFINITY },
    faultMs: NO_TIME,
    eventsPerS: 300,
    finalRefusals: ["event_too_large", "rejected_by_kafka"],
    remark: "retriable: late answers; permanent: refusals that say so; fatal: 504 or 503, and a new producer",
  },
];
