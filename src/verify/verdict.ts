/** What verify has to say, for people and for programs. */
import { type Findings, KINDS, type Kind, type Place } from "./findings.ts";

export interface Figures {
  readonly lines: number;
  readonly bytes: number;
  readonly firstOffset: number | null;
  readonly lastOffset: number | null;
  /** Without a topic to ask: offsets between two lines. */
  readonly missing: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  readonly damaged: number;
  /** Records past the last line; null where no topic was asked. */
  readonly behind: number | null;
  /** Lines whose record the topic no longer has; null where none was asked. */
  readonly gone: number | null;
}

export interface Verdict {
  readonly logFile: string;
  readonly files: number;
  /** Of these, closed files of a topic (or cluster) that the log was of before: looked at by themselves. */
  readonly filesOfOthers: number;
  /** In all of them. */
  readonly lines: number;
  /** Before compression. */
  readonly bytes: number;
  readonly ms: number;
  readonly isAgainstTopic: boolean;
  readonly partitions: ReadonlyMap<number, Figures>;
  readonly findings: Findings;
}

const COLUMNS = [
  "partition",
  "lines",
  "first",
  "last",
  "missing",
  "duplicated",
  "out of order",
  "damaged",
  "behind",
  "gone",
];

export function verdictAsText(verdict: Verdict): string {
  const { findings } = verdict;
  const rows = Array.from(verdict.partitions, ([partition, one]) =>
    [
      partition,
      one.lines,
      one.firstOffset,
      one.lastOffset,
      one.missing,
      one.duplicated,
      one.outOfOrder,
      one.damaged,
      one.behind,
      one.gone,
    ].map((value) => (value === null ? "-" : String(value))),
  );
  const seconds = verdict.ms / 1000;
  const rate = Math.round(verdict.bytes / 1e6 / Math.max(0.001, seconds));
  const lines = [
    `${verdict.logFile}: ${verdict.files} file${verdict.files === 1 ? "" : "s"}, ${verdict.lines} lines, ${verdict.bytes} bytes, read in ${seconds.toFixed(1)} s (${rate} MB/s)`,
    ...(verdict.filesOfOthers > 0
      ? [`${verdict.filesOfOthers} of them of another topic (or cluster), looked at by themselves`]
      : []),
    "",
    ...table([COLUMNS, ...rows]),
    "",
  ];
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const count = findings.count(kind);
    if (count === 0) continue;
    const places = findings.places.filter((place) => place.kind === kind);
    lines.push(
      `${kind.replaceAll("_", " ")}: ${count} (${KINDS[kind]})`,
      ...places.map((place) => `  ${placeAsText(place)}`),
      "",
    );
  }
  const held = verdict.isAgainstTopic
    ? "held against the topic"
    : "without a topic to hold it against (--kafka-brokers)";
  lines.push(findings.isClean ? `CLEAN, ${held}` : `NOT CLEAN, ${held}`);
  return `${lines.join("\n")}\n`;
}

function placeAsText({ file, line, byte, partition, offsets, detail }: Place): string {
  const where = [
    ...(file === undefined ? [] : [file]),
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(byte === undefined ? [] : [`byte ${byte}`]),
    ...(partition === undefined ? [] : [`partition ${partition}`]),
    ...(offsets === undefined
      ? []
      : [offsets.first === offsets.last ? `offset ${offsets.first}` : `offsets ${offsets.first} to ${offsets.last}`]),
  ];
  return where.length === 0 ? detail : `${where.join(", ")}: ${detail}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  "));
}

export function verdictAsJson(verdict: Verdict): string {
  const { findings } = verdict;
  const partitions = Array.from(verdict.partitions, ([partition, one]) => ({
    partition,
    lines: one.lines,
    bytes: one.bytes,
    first_offset: one.firstOffset,
    last_offset: one.lastOffset,
    missing: one.missing,
    duplicated: one.duplicated,
    out_of_order: one.outOfOrder,
    damaged: one.damaged,
    behind: one.behind,
    gone: one.gone,
  }));
  return `${JSON.stringify({
    clean: findings.isClean,
    log_file: verdict.logFile,
    files: verdict.files,
    files_of_others: verdict.filesOfOthers,
    lines: verdict.lines,
    bytes: verdict.bytes,
    against_topic: verdict.isAgainstTopic,
    partitions,
    counts: findings.counts,
    places: findings.places,
  })}\n`;
}
