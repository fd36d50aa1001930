/** What came of a scenario: the verdicts of its runs, added up, and whether they are as promised. */
import { emptyLineVerdict, type LineVerdict } from "./line-oracle.ts";
import { emptyTopicVerdict, type TopicVerdict } from "./oracle.ts";

export interface Run {
  readonly topic: TopicVerdict;
  readonly lines: LineVerdict;
  readonly answersPauseMs: number;
  readonly linesPauseMs: number;
  /** Sentences about what was not as it should be, apart from what the verdicts say. */
  readonly problems: readonly string[];
}

export interface Result {
  readonly name: string;
  readonly rounds: number;
  readonly runs: readonly Run[];
}

export function faultsOf({ topic, lines, problems }: Run): string[] {
  return [...problems, ...topic.faults, ...lines.faults];
}

export function isAsPromised(run: Run): boolean {
  const { topic, lines } = run;
  const wrong = [topic.lost, topic.duplicated, topic.reordered, topic.unexpected];
  const wrongLines = [lines.missing, lines.duplicated, lines.outOfOrder, lines.damaged, lines.inTwoLogs];
  return run.problems.length === 0 && [...wrong, ...wrongLines].every((count) => count === 0);
}

/** Numbers added up, numbers within objects too; lists joined. */
function add<T extends object>(into: T, other: T): T {
  for (const [name, value] of Object.entries(other) as [keyof T, T[keyof T]][]) {
    const before = into[name];
    if (typeof value === "number") into[name] = ((before as number) + value) as T[keyof T];
    else if (Array.isArray(value)) into[name] = [...(before as unknown[]), ...value] as T[keyof T];
    else into[name] = add({ ...(before as object) }, value as object) as T[keyof T];
  }
  return into;
}

export function sumOf(runs: readonly Run[]): Run {
  return {
    topic: runs.reduce((sum, { topic }) => add(sum, topic), emptyTopicVerdict()),
    lines: runs.reduce((sum, { lines }) => add(sum, lines), emptyLineVerdict()),
    answersPauseMs: Math.max(...runs.map((run) => run.answersPauseMs)),
    linesPauseMs: Math.max(...runs.map((run) => run.linesPauseMs)),
    problems: runs.flatMap(({ problems }) => problems),
  };
}

/** What cannot be promised and came about, as a sentence; empty where nothing did. */
export function residualText({ topic, lines }: Run): string {
  const said: [count: number, what: string][] = [
    [topic.residual.afterUnknown, "further copies after `unknown`"],
    [topic.residual.spooled, "further copies of spooled events"],
    [topic.residual.afterCut, "further copies after cut connections"],
    [topic.residual.unknownLanded, "told `unknown` in the end, and there"],
    [topic.residual.movedKeys, "keys in two partitions"],
    [topic.residual.liedAbout, "acked on the word of the injected error"],
    [lines.residual.inTwoLogs, "lines in two logs"],
  ];
  return said
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join("; ");
}
