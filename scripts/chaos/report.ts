/** The figures, for people: a line a scenario on the terminal, and the table of docs/RELIABILITY.md. */
import { markdownTable, replacePart } from "../docs/markdown.ts";
import { isAsPromised, type Result, type Run, residualText, sumOf } from "./result.ts";
import { SCENARIOS } from "./scenarios.ts";

const FIGURES = [
  "fault",
  "rounds",
  "events",
  "kept",
  "refused",
  "unknown",
  "lost",
  "records twice",
  "lines twice",
  "lines missing",
  "reordered",
  "unexpected",
  "longest pause: answers",
  "longest pause: lines",
];
const REMARKS = ["fault", "counted apart", "what a user sees"];

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function figuresOf({ rounds, runs }: Result, text: string): string[] {
  const run = sumOf(runs);
  const { topic, lines } = run;
  const counts = [
    rounds,
    topic.events,
    topic.acked + topic.spooled,
    topic.refused,
    topic.unknown,
    topic.lost,
    topic.duplicated,
    lines.duplicated + lines.inTwoLogs,
    lines.missing,
    topic.reordered + lines.outOfOrder,
    topic.unexpected + lines.damaged,
  ];
  return [text, ...counts.map(String), seconds(run.answersPauseMs), seconds(run.linesPauseMs)];
}

/** The page with the rows of these results in its tables; rows of other scenarios stay as they are. */
export function withResults(page: string, results: readonly Result[]): string {
  const before = rowsOf(page);
  const rows: Record<"figures" | "remarks", string[][]> = { figures: [], remarks: [] };
  for (const { name, text, remark } of SCENARIOS) {
    const result = results.find((one) => one.name === name);
    const figures = result ? figuresOf(result, text) : before.get(`${FIGURES.length} ${text}`);
    const remarks = result ? [text, apartText(result), remark] : before.get(`${REMARKS.length} ${text}`);
    if (figures) rows.figures.push(figures);
    if (remarks) rows.remarks.push(remarks);
  }
  const tables = [markdownTable(FIGURES, rows.figures), markdownTable(REMARKS, rows.remarks)];
  return replacePart(page, "chaos", tables.join("\n\n"));
}

/** A scenario that failed must not look as if it had not, whatever it failed at. */
function apartText({ runs }: Result): string {
  const apart = residualText(sumOf(runs)) || "nothing";
  return runs.every(isAsPromised) ? apart : `**not as promised**; ${apart}`;
}

/** The rows that the page has, by the number of their cells and the first of them. */
function rowsOf(page: string): Map<string, string[]> {
  const [, tables = ""] = /<!-- chaos:begin[^>]*-->\n([\s\S]*?)<!-- chaos:end -->/.exec(page) ?? [];
  const rows = new Map<string, string[]>();
  for (const line of tables.split("\n").filter((one) => one.startsWith("| "))) {
    const cells = line
      .slice(2, -2)
      .split(" | ")
      .map((cell) => cell.trim());
    rows.set(`${cells.length} ${cells[0]}`, cells);
  }
  return rows;
}

export function summary(run: Run): string {
  const { topic, lines } = run;
  const counts = [
    `${topic.events} events`,
    `${topic.acked + topic.spooled} kept`,
    `${topic.refused} refused`,
    `${topic.unknown} unknown`,
    `lost ${topic.lost}`,
    `records twice ${topic.duplicated}`,
    `lines twice ${lines.duplicated + lines.inTwoLogs}`,
    `lines missing ${lines.missing}`,
    `reordered ${topic.reordered + lines.outOfOrder}`,
    `unexpected ${topic.unexpected + lines.damaged}`,
  ];
  const residual = residualText(run);
  const pauses = `longest pause: answers ${seconds(run.answersPauseMs)}, lines ${seconds(run.linesPauseMs)}`;
  return `${counts.join(", ")}${residual === "" ? "" : `; residual: ${residual}`}; ${pauses}`;
}
