/** Results as Markdown: the table that a run prints, and the generated part of docs/PERFORMANCE.md. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SUITE_NAMES } from "../../src/options/bench.ts";
import { markdownTable, replacePart } from "../docs/markdown.ts";
import { type Row, readResult, type SuiteResult } from "./results.ts";
import { FIGURES, type FigureName, type Suite } from "./suite.ts";
import { SUITES } from "./suites/index.ts";
import { PROJECT_FOLDER } from "./trees.ts";

const NUMBER = new Intl.NumberFormat("en-US");

/** Medians, with the least and the most in parentheses where there were several rounds; then the ratio of rates to the first of each group. */
export function resultTable(result: Pick<SuiteResult, "rows">): string {
  const names = (Object.keys(FIGURES) as FigureName[]).filter((name) => result.rows.some((row) => row.medians[name]));
  const isCompared = result.rows.some((row) => firstOf(row, result.rows) !== row);
  const groups = new Set(result.rows.map(({ group }) => group));
  const head = ["", ...(groups.size > 1 ? ["what"] : []), ...names.map((name) => FIGURES[name].head)];
  const body = result.rows.map((row) => [
    ...(groups.size > 1 ? [row.group] : []),
    row.name,
    ...names.map((name) => figureText(name, row)),
    ...(isCompared ? COMPARED.map((name) => ratioText(row, firstOf(row, result.rows), name)) : []),
  ]);
  return markdownTable([...head, ...(isCompared ? ["rate, to the first", "CPU, to the first"] : [])], body);
}

function firstOf(row: Row, rows: readonly Row[]): Row {
  return rows.find(({ group }) => group === row.group)!;
}

function figureText(name: FigureName, row: Row): string {
  const figure = row.medians[name];
  if (!figure) return "–";
  const show = (value: number) =>
    FIGURES[name].digits === 0 ? NUMBER.format(Math.round(value)) : value.toFixed(FIGURES[name].digits);
  return row.runs.length === 1
    ? show(figure.median)
    : `${show(figure.median)} (${show(figure.min)}–${show(figure.max)})`;
}

const COMPARED = ["rate", "cpuUs"] as const;

function ratioText(row: Row, first: Row, name: FigureName): string {
  const [figure, reference] = [row.medians[name]?.median, first.medians[name]?.median];
  return figure === undefined || reference === undefined ? "–" : (figure / reference).toFixed(2);
}

/** On what, with what, when. */
export function measuredText(result: SuiteResult): string {
  const { machine, versions, rounds, seconds } = result;
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const often = rounds === 1 ? "one round" : `${rounds} rounds in turn, medians (least–most)`;
  return (
    `${result.measuredAt.slice(0, 10)}, commit ${result.commit}, ${often}, ${seconds} s each under load. ${machine.cores} cores (${machine.cpu}), ` +
    `${machine.memoryGb} GB, ${machine.system}; ${software.join(", ")}.`
  );
}

/** docs/PERFORMANCE.md with what is generated in it made anew from bench/results. */
export async function performancePage(before: string): Promise<string> {
  const sections: string[] = [];
  for (const name of SUITE_NAMES) {
    const result = await readResult(name);
    if (result) sections.push(section(SUITES[name], result));
  }
  const none = "Nothing has been kept yet: `bun run bench --write` does.";
  return replacePart(before, "bench", sections.length === 0 ? none : sections.join("\n\n"));
}

function section(suite: Suite, result: SuiteResult): string {
  const charts = chartNames(suite, result)
    .filter(({ file }) => existsSync(join(PROJECT_FOLDER, "docs", file)))
    .map(({ title, file }) => `![${title}](${file})`);
  const unit = `CPU is per ${suite.unit}.`;
  return [
    `### ${suite.title}`,
    `${suite.about} ${unit}`,
    resultTable(result),
    ...charts,
    `_${measuredText(result)}_`,
  ].join("\n\n");
}

export interface ChartName {
  /** Of the rows that are in it. */
  readonly groups: readonly string[];
  readonly title: string;
  /** From the docs folder. */
  readonly file: string;
}

/** One chart a suite; one a group where there are many. */
export function chartNames(suite: Pick<Suite, "name" | "title">, result: Pick<SuiteResult, "rows">): ChartName[] {
  const groups = [...new Set(result.rows.map(({ group }) => group))];
  if (groups.length <= 2) return [{ groups, title: suite.title, file: `charts/${suite.name}.svg` }];
  return groups.map((group) => ({
    groups: [group],
    title: `${suite.title}: ${group}`,
    file: `charts/${suite.name}-${group.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.svg`,
  }));
}
