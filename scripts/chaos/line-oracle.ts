/** The loss oracle's second half: the lines of the logs against the records of the topic. Pure functions. */
import type { FoundRecord } from "./oracle.ts";

export interface FoundLine {
  readonly partition: number;
  readonly offset: number;
  readonly id: string | undefined;
  readonly value: string;
}

/** One consumer's log: the lines of all its files in the order of writing. `undefined`: a line that cannot be read. */
export interface FoundLog {
  readonly name: string;
  readonly lines: readonly (FoundLine | undefined)[];
}

export interface LineRules {
  /** A consumer was killed while others took over: what it had written and not committed, they write into theirs (README, Limits). */
  readonly killedAmongOthers: boolean;
}

export interface LineVerdict {
  lines: number;
  missing: number;
  /** Twice in one log. */
  duplicated: number;
  outOfOrder: number;
  damaged: number;
  /** In two logs, where that must not be. */
  inTwoLogs: number;
  residual: { inTwoLogs: number };
  faults: string[];
}

const FAULTS_MAX = 20;

export function emptyLineVerdict(): LineVerdict {
  return {
    lines: 0,
    missing: 0,
    duplicated: 0,
    outOfOrder: 0,
    damaged: 0,
    inTwoLogs: 0,
    residual: { inTwoLogs: 0 },
    faults: [],
  };
}

export function judgeLines(records: readonly FoundRecord[], logs: readonly FoundLog[], rules: LineRules): LineVerdict {
  const verdict = emptyLineVerdict();
  const say = (sentence: string) => {
    if (verdict.faults.length < FAULTS_MAX) verdict.faults.push(sentence);
  };
  const expected = new Map(records.map((record) => [placeOf(record), record]));
  const inLog = new Map<string, string>();
  for (const log of logs) {
    for (const place of judgeLog(log, expected, verdict, say)) {
      const other = inLog.get(place);
      if (other === undefined) inLog.set(place, log.name);
      else if (rules.killedAmongOthers) verdict.residual.inTwoLogs++;
      else {
        verdict.inTwoLogs++;
        say(`${place} is in ${other} and in ${log.name}`);
      }
    }
  }
  for (const [place, record] of expected) {
    if (inLog.has(place)) continue;
    verdict.missing++;
    say(`${place} (${record.id}) has no line`);
  }
  return verdict;
}

/** The places that it has a line of. */
function judgeLog(
  log: FoundLog,
  expected: ReadonlyMap<string, FoundRecord>,
  verdict: LineVerdict,
  say: (sentence: string) => void,
): Set<string> {
  const places = new Set<string>();
  const last = new Map<number, number>();
  for (const [index, line] of log.lines.entries()) {
    verdict.lines++;
    const name = `${log.name}: line ${index + 1}`;
    if (line === undefined) {
      verdict.damaged++;
      say(`${name} cannot be read`);
      continue;
    }
    const place = placeOf(line);
    if (places.has(place)) {
      verdict.duplicated++;
      say(`${name} has ${place} again`);
      continue;
    }
    places.add(place);
    const before = last.get(line.partition) ?? -1;
    if (line.offset < before) {
      verdict.outOfOrder++;
      say(`${name} has ${place} behind offset ${before}`);
    }
    last.set(line.partition, Math.max(before, line.offset));
    const record = expected.get(place);
    if (record === undefined || record.id !== line.id || record.value !== line.value) {
      verdict.damaged++;
      say(`${name} (${place}, ${line.id}) is not what the topic has there (${record?.id})`);
    }
  }
  return places;
}

function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}/${offset}`;
}
