/** Plays one scenario: sets the stage, does the fault round after round under load, lets everything settle, and asks the oracle. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MockCluster } from "../../src/kafka/index.ts";
import { verify } from "../../src/verify/index.ts";
import type { Brokers } from "./brokers.ts";
import type { ConsumerLog } from "./consumer.ts";
import { ERROR_CODES, type ErrorCode } from "./error-codes.ts";
import { FAULTS } from "./faults.ts";
import { judgeLines } from "./line-oracle.ts";
import { judgeTopic } from "./oracle.ts";
import { isAsPromised, type Result, type Run } from "./result.ts";
import type { Scenario } from "./scenarios.ts";
import type { Load } from "./senders.ts";
import { Stage } from "./stage.ts";
import { endsOf, readTopic, whenCommitted } from "./topic.ts";

export interface RunOptions {
  readonly isShort: boolean;
  readonly rounds: number | undefined;
  readonly folder: string;
  /** What was written stays, also where everything is as promised. */
  readonly keeps: boolean;
  /** Started when first needed. */
  readonly brokers: () => Promise<Brokers>;
  readonly say: (line: string) => void;
}

const WARM_UP_EVENTS = 200;
const WARM_UP_LIMIT_MS = 60_000;
const ROUNDS_A_CODE = 2;
const SETTLE_LIMIT_MS = 90_000;
/** A round that has not come to its end by then never will. */
const ROUND_LIMIT_MS = 240_000;
const LOOK_MS = 50;

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Result> {
  const form = options.isShort ? "short" : "long";
  const wanted = options.rounds ?? scenario.rounds[form];
  const runs: Run[] = [];
  if (scenario.kafka === "mock") {
    const codes = ERROR_CODES.filter((one) => !options.isShort || one.inShort).slice(0, wanted);
    for (const code of codes) {
      runs.push(await runOnMock(scenario, code, options));
      options.say(`  ${code.name}: ${isAsPromised(runs.at(-1)!) ? "as promised" : "NOT AS PROMISED"}`);
    }
    return { name: scenario.name, rounds: codes.length, runs };
  }
  const brokers = await options.brokers();
  const context = { brokers, faultMs: scenario.faultMs[form] };
  const stage = await Stage.set(stageOptions(scenario, options, brokers.bootstrap, scenario.name));
  try {
    await brokers.whenInSync(stage.options.topic);
    const fault = (round: number) => FAULTS[faultOf(scenario)]({ ...context, stage, round });
    const heal = () => brokers.restart();
    runs.push(await play(scenario, stage, { rounds: wanted, fault, heal, brokerLies: false }));
  } finally {
    await stage.clear();
    // The next scenario finds all brokers there.
    await brokers.restart();
    stage.disk?.unmount({ keepsFiles: runs.length === 0 || !runs.every(isAsPromised) });
  }
  if (!options.keeps && runs.every(isAsPromised)) rmSync(stage.options.folder, { recursive: true, force: true });
  return { name: scenario.name, rounds: wanted, runs };
}

function faultOf({ fault, name }: Scenario): keyof typeof FAULTS {
  if (fault === "requestError") throw new Error(`${name} is for the mock cluster`);
  return fault;
}

async function runOnMock(scenario: Scenario, code: ErrorCode, options: RunOptions): Promise<Run> {
  const mock = new MockCluster(3);
  let stage: Stage | undefined;
  try {
    const set = stageOptions(scenario, options, mock.bootstrap, `${scenario.name}-${code.code}`);
    mock.createTopic(set.topic, set.partitions);
    stage = await Stage.set(set);
    const { load } = stage;
    const fault = async () => {
      mock.failNext("Produce", [code.code, code.code, code.code]);
      await load.whenKept(WARM_UP_EVENTS, WARM_UP_LIMIT_MS);
    };
    const heal = async () => {};
    const { claimsToHaveThem: brokerLies = false } = code;
    const run = await play(scenario, stage, { rounds: ROUNDS_A_CODE, fault, heal, brokerLies });
    if (!options.keeps && isAsPromised(run)) rmSync(set.folder, { recursive: true, force: true });
    return { ...run, problems: run.problems.map((problem) => `${code.name}: ${problem}`) };
  } finally {
    await stage?.clear();
    await mock.close();
  }
}

function stageOptions(scenario: Scenario, { folder, say }: RunOptions, bootstrap: string, name: string) {
  const { partitions, eventsPerS, serve, consume, hasSpool = false, smallDiskFor } = scenario;
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  const topic = `chaos-${name}-${Date.now()}`;
  return { folder: own, bootstrap, topic, partitions, eventsPerS, serve, consume, hasSpool, smallDiskFor, say };
}

interface Plot {
  readonly rounds: number;
  readonly fault: (round: number) => Promise<void>;
  /** What a fault that failed half-way left is mended, so that the oracle can be asked. */
  readonly heal: () => Promise<void>;
  readonly brokerLies: boolean;
}

async function play(scenario: Scenario, stage: Stage, { rounds, fault, heal, brokerLies }: Plot): Promise<Run> {
  const { load } = stage;
  const problems: string[] = [];
  const watch = new LineWatch(stage.consumers);
  load.start();
  try {
    await load.whenKept(WARM_UP_EVENTS, WARM_UP_LIMIT_MS);
    for (let round = 0; round < rounds; round++) {
      const startedMs = performance.now();
      await within(fault(round), ROUND_LIMIT_MS, `round ${round + 1}`);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      if (scenario.kafka !== "mock")
        stage.say(
          `  round ${round + 1} of ${rounds}: ${seconds} s; so far ${load.kept} kept, ${watch.pausesText(load)}`,
        );
    }
  } catch (cause) {
    problems.push((cause as Error).message);
    await heal();
  }
  const linesPauseMs = watch.stop();
  problems.push(...(await settle(stage)));
  const allowed = new Set(scenario.finalRefusals ?? []);
  for (const code of load.finalRefusals)
    if (!allowed.has(code)) problems.push(`valid events were refused for good: ${code}`);
  stage.say(`  answers: ${load.answersText()}`);
  const verdicts = await judge(scenario, stage, brokerLies, problems);
  return { ...verdicts, answersPauseMs: load.longestPauseMs, linesPauseMs, problems };
}

/** No more load, everything delivered, written and committed, everybody ended with 0. Returns what did not go like that. */
async function settle(stage: Stage): Promise<string[]> {
  const problems: string[] = [];
  const attempt = async (action: () => Promise<unknown>) => {
    try {
      await action();
    } catch (cause) {
      problems.push((cause as Error).message);
    }
  };
  const { bootstrap, topic, hasSpool } = stage.options;
  await stage.load.stop(SETTLE_LIMIT_MS);
  if (hasSpool) await attempt(() => stage.whenSpoolIsEmpty(SETTLE_LIMIT_MS));
  await attempt(async () => expectZero("serve", await stage.serve.stop()));
  await attempt(async () =>
    whenCommitted({ brokers: bootstrap, topic, group: topic }, await endsOf(bootstrap, topic), SETTLE_LIMIT_MS),
  );
  for (const consumer of stage.consumers.filter(({ isRunning }) => isRunning))
    await attempt(async () => expectZero(consumer.name, await consumer.command.stop()));
  return problems;
}

function expectZero(name: string, code: number): void {
  if (code !== 0) throw new Error(`${name} ended with ${code} on SIGTERM`);
}

async function judge(scenario: Scenario, stage: Stage, brokerLies: boolean, problems: string[]) {
  const { bootstrap, topic, serve } = stage.options;
  const records = await readTopic(bootstrap, topic, await endsOf(bootstrap, topic));
  const logs = stage.consumers.map((consumer) => consumer.read());
  const [first] = stage.consumers;
  // One log has it all: then the project's own verify must come to the same end.
  if (stage.consumers.length === 1 && first && !scenario.logIsTakenAway && scenario.kafka !== "mock") {
    const client = { brokers: bootstrap, properties: {}, log: () => {} };
    const { findings } = await verify({ logFile: first.logFile, client, isComplete: true, allowsGaps: false });
    if (!findings.isClean) problems.push(`bun run verify finds the log unclean: ${JSON.stringify(findings.counts)}`);
  }
  return {
    topic: judgeTopic(stage.load.sent, records, {
      dedupes: serve.includes("--dedupe-window"),
      partitionsRaised: scenario.partitionsRaised ?? false,
      brokerLies,
    }),
    lines: judgeLines(records, logs, { killedAmongOthers: scenario.killedAmongOthers ?? false }),
  };
}

async function within<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The longest time in which no log got a line. */
class LineWatch {
  #longestMs = 0;
  #lastAt: number | undefined;
  #mark = "";
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(consumers: readonly ConsumerLog[]) {
    this.#timer = setInterval(() => {
      const mark = consumers.map((consumer) => consumer.mark()).join(" ");
      if (mark === this.#mark) return;
      this.#note();
      this.#mark = mark;
    }, LOOK_MS);
  }

  #note(): void {
    const now = performance.now();
    if (this.#lastAt !== undefined) this.#longestMs = Math.max(this.#longestMs, now - this.#lastAt);
    this.#lastAt = now;
  }

  pausesText({ longestPauseMs }: Load): string {
    return `longest pause: answers ${(longestPauseMs / 1000).toFixed(1)} s, lines ${(this.#longestMs / 1000).toFixed(1)} s`;
  }

  stop(): number {
    clearInterval(this.#timer);
    this.#note();
    return this.#longestMs;
  }
}
