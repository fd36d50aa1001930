/**
 * `bun run chaos`: faults under load, on real processes and real brokers, and the loss oracle's word on every event. Exit 0 only where
 * everything is as promised; else the folder with all logs stays, and what was wrong is printed. `--list` shows the scenarios.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseOptions, UsageError, type Values } from "../src/options/core.ts";
import { helpText } from "../src/options/help.ts";
import { Brokers } from "./chaos/brokers.ts";
import { diskProblem, unmountAll } from "./chaos/disk.ts";
import { chaosOptions, chosen } from "./chaos/options.ts";
import { summary, withResults } from "./chaos/report.ts";
import { faultsOf, isAsPromised, type Result, sumOf } from "./chaos/result.ts";
import { runScenario } from "./chaos/run.ts";
import { SCENARIOS, type Scenario } from "./chaos/scenarios.ts";
import { KafkaFailure } from "./kafka/failure.ts";

const USAGE = "bun run chaos [options]";
const ABOUT =
  "Does faults to serve, consume and three brokers under load, and holds every event against what its sender was told.";
const FAULTS_SHOWN = 30;

const say = (line: string) => console.log(line);
const started = performance.now();
const elapsed = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;

function list(): void {
  for (const { name, text, rounds, kafka } of SCENARIOS) {
    const count = Number.isFinite(rounds.long) ? `${rounds.long} rounds (${rounds.short} in short)` : "one run a code";
    say(`${name.padEnd(28)} ${text}; ${count}; ${kafka}`);
  }
}

/** Where everything lies, once there is something. */
let folder: string | undefined;

async function run(scenarios: readonly Scenario[], options: Values<typeof chaosOptions>): Promise<number> {
  const own = mkdtempSync(join(tmpdir(), "sluice-chaos-"));
  folder = own;
  let starting: Promise<Brokers> | undefined;
  const brokers = () => (starting ??= Brokers.start(join(own, "kafka"), say));
  const results: Result[] = [];
  const failed: string[] = [];
  try {
    for (const scenario of scenarios) {
      const problem = scenario.smallDiskFor && diskProblem();
      if (problem !== undefined) {
        say(`== ${scenario.name}: IMPOSSIBLE HERE, not tried: ${problem}`);
        continue;
      }
      say(`== ${scenario.name}: ${scenario.text} (${elapsed()})`);
      const how = { isShort: options.short, rounds: options.rounds, folder: own, keeps: options.keep, brokers, say };
      const result = await runScenario(scenario, how).catch((cause: unknown) => cause as Error);
      const text = result instanceof Error ? [`it could not be played: ${result.message}`] : report(result);
      if (!(result instanceof Error)) results.push(result);
      for (const line of text.slice(0, FAULTS_SHOWN)) say(`  FAULT ${line}`);
      if (text.length > 0) failed.push(scenario.name);
    }
    if (options.report !== undefined && results.length > 0)
      writeFileSync(options.report, withResults(readFileSync(options.report, "utf8"), results));
  } finally {
    await (await starting?.catch(() => undefined))?.end();
    unmountAll();
    // What the brokers stored is of no use to anybody; their logs are.
    for (const id of [1, 2, 3]) rmSync(join(own, "kafka", `broker-${id}`, "data"), { recursive: true, force: true });
    if (failed.length === 0 && !options.keep) rmSync(own, { recursive: true, force: true });
  }
  say(
    failed.length === 0
      ? `chaos: PASSED, ${results.length} of ${scenarios.length} scenarios in ${elapsed()}${options.keep ? `; what they wrote is in ${own}` : ""}`
      : `chaos: FAILED (${failed.join(", ")}) in ${elapsed()}; what they wrote is in ${own}`,
  );
  return failed.length === 0 ? 0 : 1;
}

/** Prints the figures; returns what was wrong. */
function report(result: Result): string[] {
  say(`  ${summary(sumOf(result.runs))}`);
  const wrong = result.runs.filter((one) => !isAsPromised(one));
  return wrong.flatMap((one) => [summary(one), ...faultsOf(one)]);
}

/** Ended from outside: everything that was started dies with this process (scripts/kafka/processes.ts); mounts do not. */
function onSignal(): void {
  unmountAll();
  if (folder !== undefined) say(`chaos: stopped; what was written so far is in ${folder}`);
  process.exit(130);
}

try {
  const argv = process.argv.slice(2);
  if (argv.includes("--help") || argv.includes("-h")) {
    say(helpText(USAGE, ABOUT, chaosOptions));
    process.exit(0);
  }
  const options = parseOptions(chaosOptions, argv, {});
  const scenarios = chosen(options.scenarios);
  if (options.report !== undefined && !existsSync(options.report))
    throw new UsageError(`--report: there is no file ${options.report}`);
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  if (options.list) list();
  process.exit(options.list ? 0 : await run(scenarios, options));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof KafkaFailure)) throw error;
  console.error(`chaos: ${error.message}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
