/** Runs suites: a Kafka for each, its cases in turn, round by round; prints tables, keeps results. */

import { join } from "node:path";
import { BASELINE_NAMES, type benchOptions, namesIn, SUITE_NAMES } from "../../src/options/bench.ts";
import type { Values } from "../../src/options/core.ts";
import { generatedFiles } from "../docs/generated.ts";
import { temporaryFolder } from "./at-end.ts";
import { writeCharts } from "./charts.ts";
import { theOha } from "./http-run.ts";
import { startKafka } from "./kafka.ts";
import { warmUp } from "./load-loop.ts";
import { measuredText, resultTable } from "./report.ts";
import { makeResult, type Row, type SuiteResult, summarizeRuns, versionsWith, writeResult } from "./results.ts";
import { BASELINES } from "./servers.ts";
import { type Bench, type Case, FIGURES, type FigureName, type Run, type Suite } from "./suite.ts";
import { SUITES } from "./suites/index.ts";
import { checkOut, describeHere, HERE, hasOption, PROJECT_FOLDER, type Tree } from "./trees.ts";

type Options = Values<typeof benchOptions>;
type Say = (line: string) => void;

const NEEDS_OHA: readonly string[] = ["http", "batch", "processes", "growth", "memory"];
const BROKER_WINDOWS = 10;
/** At first Java's compiler takes all of the core that it gets, and Kafka's work seems to become no less. */
const REHEARSALS_MIN = 6;
const REHEARSALS_MAX = 12;
/** Two in which Kafka needs more than this much of the least before are enough. */
const STILL_CHEAPER = 0.95;
const PERFORMANCE = "docs/PERFORMANCE.md";

export async function runSuites(options: Options, say: Say): Promise<number> {
  const suites = namesIn(SUITE_NAMES, options.suite).map((name) => SUITES[name]);
  const versions = suites.some(({ name }) => NEEDS_OHA.includes(name)) ? { oha: theOha().version } : {};
  const commit = describeHere();
  const trees = options.against === undefined ? [HERE] : [HERE, await checkOut(options.against, say)];
  const faults: string[] = [];
  for (const suite of suites) {
    const fitting = await fittingTrees(suite, trees, say);
    if (fitting.length === 0) continue;
    const { rows, kafka } = await measure(suite, options, fitting, { say, faults });
    const about = { commit, rounds: suite.rounds ?? options.rounds, seconds: options.seconds };
    const result = makeResult(suite, rows, { ...about, versions: versionsWith({ Kafka: kafka, ...versions }) });
    await Bun.write(Bun.stdout, `\n${suite.title}\n\n${resultTable(result)}\n\n${measuredText(result)}\n\n`);
    // What lost something is no result.
    if (faults.length === 0) await keep(suite, result, options, say);
  }
  for (const fault of faults) say(`FAULT ${fault}`);
  say(faults.length === 0 ? "bench: nothing was lost" : `bench: FAILED, ${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

/** Without those whose command lacks what the suite is about. */
async function fittingTrees({ name, needs }: Suite, trees: readonly Tree[], say: Say): Promise<readonly Tree[]> {
  if (needs === undefined) return trees;
  const fitting: Tree[] = [];
  for (const tree of trees) {
    if (await hasOption(tree, needs.command, needs.flag)) fitting.push(tree);
    else say(`${name}: ${tree.label(needs.command)} has no --${needs.flag}, and is left out`);
  }
  return fitting;
}

async function measure(
  suite: Suite,
  options: Options,
  trees: readonly Tree[],
  { say, faults }: { say: Say; faults: string[] },
): Promise<{ rows: Row[]; kafka: string }> {
  const folder = temporaryFolder(suite.name);
  const kafka = await startKafka(options.kafkaBrokers, say);
  const baselines = namesIn(BASELINE_NAMES, options.baseline).map((name) => BASELINES[name]);
  const bench: Bench = { options, kafka, trees, baselines, folder: folder.path, say };
  const cases = (await suite.cases(bench)).map((one) => ({ one, runs: [] as Run[] }));
  const rounds = suite.rounds ?? options.rounds;
  await warmUp(kafka, BROKER_WINDOWS, say);
  const countFaults = (one: Case, run: Run) =>
    faults.push(...run.faults.map((fault) => `${suite.name}, ${one.group}, ${one.name}: ${fault}`));
  if (rounds > 1 && cases[0] !== undefined) await rehearse(cases[0].one, countFaults, say);
  for (let round = 1; round <= rounds; round++) {
    for (const { one, runs } of cases) {
      const run = await one.run();
      runs.push(run);
      say(`${suite.name} ${round}/${rounds}: ${describe(one, run)}`);
      countFaults(one, run);
    }
  }
  await kafka.stop();
  folder.remove();
  const rows = cases.map(({ one: { group, name }, runs }) => ({ group, name, medians: summarizeRuns(runs), runs }));
  return { rows, kafka: kafka.version };
}

/**
 * What the suite does, without counting it: Kafka's side of it is then compiled too, and the files are in memory. Again, for as long as
 * that still makes Kafka's work less: at 2,000 events a second Java's compiler takes up to a minute to be done, and a core meanwhile.
 * Of a Kafka that was given nothing is known but its address: once, then.
 */
async function rehearse(one: Case, countFaults: (one: Case, run: Run) => void, say: Say): Promise<void> {
  const costs: number[] = [];
  const isDone = () =>
    costs.length >= REHEARSALS_MIN && Math.min(...costs.slice(-2)) > Math.min(...costs.slice(0, -2)) * STILL_CHEAPER;
  while (costs.length < REHEARSALS_MAX && !isDone()) {
    const run = await one.run();
    countFaults(one, run);
    if (run.figures.kafkaCpuUs === undefined) return;
    costs.push(run.figures.kafkaCpuUs);
  }
  say(
    `rehearsed${isDone() ? "" : ", and not done with it"}: Kafka's CPU ${costs.map((us) => us.toFixed(1)).join(", ")} µs`,
  );
}

function describe({ group, name }: Case, { figures, faults }: Run): string {
  const texts = (Object.keys(FIGURES) as FigureName[]).flatMap((figure) => {
    const value = figures[figure];
    return value === undefined ? [] : [`${FIGURES[figure].head} ${value.toFixed(FIGURES[figure].digits)}`];
  });
  return [`${group}, ${name}: ${texts.join(", ")}`, ...faults.map((fault) => `  FAULT ${fault}`)].join("\n");
}

async function keep(suite: Suite, result: SuiteResult, { write }: Options, say: Say): Promise<void> {
  say(`written: ${await writeResult(result, { isKept: write })}`);
  if (!write) return;
  for (const path of await writeCharts(suite, result)) say(`written: ${path}`);
  const page = Bun.file(join(PROJECT_FOLDER, PERFORMANCE));
  await Bun.write(page, await generatedFiles[PERFORMANCE]!(await page.text()));
}
