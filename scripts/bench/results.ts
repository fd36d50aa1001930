/** What a suite gave, as it is kept in bench/results: every run, their medians, and what they were measured on and with. */
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { library } from "../../src/kafka/index.ts";
import type { SuiteName } from "../../src/options/bench.ts";
import { type Spread, spread } from "./statistics.ts";
import { FIGURES, type FigureName, type Run, type Suite } from "./suite.ts";
import { PROJECT_FOLDER } from "./trees.ts";

const FORMAT = 1;
/** Committed; the documents are made from it. */
export const RESULTS_FOLDER = join(PROJECT_FOLDER, "bench/results");

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly medians: Readonly<Partial<Record<FigureName, Spread>>>;
  readonly runs: readonly Run[];
}

export interface SuiteResult {
  readonly format: typeof FORMAT;
  readonly suite: SuiteName;
  readonly measuredAt: string;
  readonly commit: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly system: string;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** The medians of a case's runs. */
export function summarizeRuns(runs: readonly Run[]): Row["medians"] {
  const names = Object.keys(FIGURES) as FigureName[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const values = runs.map((run) => run.figures[name]).filter((value) => value !== undefined);
      return values.length === 0 ? [] : [[name, spread(values)]];
    }),
  );
}

export function describeMachine(): SuiteResult["machine"] {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}`,
  };
}

export function versionsWith(others: Readonly<Record<string, string>>): Record<string, string> {
  return { Bun: Bun.version, librdkafka: library().info.version, ...others };
}

export function makeResult(
  suite: Suite,
  rows: readonly Row[],
  about: Pick<SuiteResult, "commit" | "rounds" | "seconds" | "versions">,
): SuiteResult {
  const measuredAt = new Date().toISOString();
  return { format: FORMAT, suite: suite.name, measuredAt, ...about, machine: describeMachine(), rows };
}

/** Under its suite's name, or in the folder beside that git does not see. */
export async function writeResult(result: SuiteResult, { isKept }: { isKept: boolean }): Promise<string> {
  const path = join(RESULTS_FOLDER, isKept ? "" : "tmp", `${result.suite}.json`);
  await Bun.write(path, `${JSON.stringify(result, roundNumbers, 2)}\n`);
  return path;
}

/** Six significant digits are more than any of it is worth. */
function roundNumbers(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

/** Undefined where there is none. Throws where it is of another form than is known here. */
export async function readResult(suite: SuiteName, folder = RESULTS_FOLDER): Promise<SuiteResult | undefined> {
  const file = Bun.file(join(folder, `${suite}.json`));
  if (!(await file.exists())) return undefined;
  const result = (await file.json()) as SuiteResult;
  if (result.format !== FORMAT) throw new Error(`${file.name} has format ${result.format}, not ${FORMAT}`);
  return result;
}
