/**
 * Whether a log is what it should be: every line whole and once, in order, as the manifests say and (with Kafka) as the topic has it.
 * It changes nothing, and reads as a stream: its memory grows with the number of gaps, not with the log.
 */
import { existsSync, realpathSync } from "node:fs";
import { isSameTopic, LogFileLock, readCheckpoint, type TopicIdentity } from "../consume/index.ts";
import { checkCheckpoint } from "./checkpoint-check.ts";
import { closeParts, type LogPart, openParts } from "./files.ts";
import { Findings } from "./findings.ts";
import { countOf } from "./intervals.ts";
import { LogCheck } from "./log-check.ts";
import { checkOrphans, checkPart, manifestOf } from "./part-check.ts";
import { checkTopic, type TopicFigures } from "./topic-check.ts";
import type { TopicClient } from "./topic-reading.ts";

export { type Figures, type Verdict, verdictAsJson, verdictAsText } from "./verdict.ts";

import type { Figures, Verdict } from "./verdict.ts";

export interface VerifyOptions {
  readonly logFile: string;
  readonly client: TopicClient | undefined;
  readonly isComplete: boolean;
  readonly allowsGaps: boolean;
}

/** Lines of one topic. A log that was another topic's before has closed files of that one, too. */
interface OfTopic {
  readonly identity: TopicIdentity | undefined;
  readonly log: LogCheck;
  readonly parts: LogPart[];
}

/** Rejects where there is no log, or Kafka does not answer. */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  // Beside the real file lie the others.
  const logFile = existsSync(options.logFile) ? realpathSync(options.logFile) : options.logFile;
  const isHeld = LogFileLock.isHeld(logFile);
  // Before the files: where consume goes on, they are ahead of it.
  const checkpoint = readCheckpoint(logFile);
  const parts = await openParts(logFile);
  try {
    if (parts.length === 0) throw new Error(`there is no log at ${logFile}`);
    return await new Verification({ ...options, logFile }, parts, isHeld, checkpoint).run();
  } finally {
    await closeParts(parts);
  }
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #parts: readonly LogPart[];
  readonly #checkpoint: ReturnType<typeof readCheckpoint>;
  readonly #findings = new Findings();
  readonly #partOptions: { readonly findings: Findings; readonly isHeld: boolean };
  readonly #manifests: ReadonlyMap<LogPart, ReturnType<typeof manifestOf>>;
  readonly #main: OfTopic;
  readonly #others: OfTopic[] = [];
  #bytes = 0;

  constructor(
    options: VerifyOptions,
    parts: readonly LogPart[],
    isHeld: boolean,
    checkpoint: ReturnType<typeof readCheckpoint>,
  ) {
    this.#options = options;
    this.#parts = parts;
    this.#checkpoint = checkpoint;
    this.#partOptions = { findings: this.#findings, isHeld };
    this.#manifests = new Map(parts.map((part) => [part, manifestOf(part, this.#partOptions)]));
    const last = [...this.#manifests.values()].findLast((manifest) => manifest !== undefined)?.identity;
    this.#main = this.#begin(typeof checkpoint === "object" ? checkpoint.identity : last);
  }

  #begin(identity: TopicIdentity | undefined): OfTopic {
    return { identity, log: new LogCheck(this.#findings), parts: [] };
  }

  async run(): Promise<Verdict> {
    const startedAt = performance.now();
    const findings = this.#findings;
    for (const part of this.#parts) await this.#read(part);
    checkOrphans(this.#options.logFile, this.#partOptions);
    const { log } = this.#main;
    await checkCheckpoint(this.#checkpoint, { parts: this.#parts, log, findings });
    const topic = await this.#againstTopic();
    if (!this.#options.allowsGaps) {
      if (!topic) findGaps(log, findings);
      for (const other of this.#others) findGaps(other.log, findings);
    }
    return {
      logFile: this.#options.logFile,
      files: this.#parts.length,
      filesOfOthers: this.#others.reduce((sum, other) => sum + other.parts.length, 0),
      lines: this.#others.reduce((sum, other) => sum + other.log.lines, log.lines),
      bytes: this.#bytes,
      ms: performance.now() - startedAt,
      isAgainstTopic: topic !== undefined,
      partitions: figuresOf(log, topic),
      findings,
    };
  }

  async #read(part: LogPart): Promise<void> {
    // Deleted meanwhile by the consume that runs, since `--keep` says so.
    if (this.#partOptions.isHeld && part.handle === undefined && !existsSync(part.path)) return;
    const manifest = this.#manifests.get(part);
    const ofTopic = this.#topicOf(manifest?.identity);
    ofTopic.parts.push(part);
    const read = await ofTopic.log.read(part);
    if (!read) return;
    this.#bytes += read.content.bytes;
    checkPart(part, manifest, read, this.#partOptions);
  }

  #topicOf(identity: TopicIdentity | undefined): OfTopic {
    if (identity === undefined || this.#main.identity === undefined) return this.#main;
    const known = [this.#main, ...this.#others].find((one) => isSameTopic(one.identity!, identity));
    if (known) return known;
    const other = this.#begin(identity);
    this.#others.push(other);
    return other;
  }

  async #againstTopic(): Promise<Map<number, TopicFigures> | undefined> {
    const { client, isComplete } = this.#options;
    if (!client) return undefined;
    const { identity, log, parts } = this.#main;
    if (identity === undefined) throw new Error("neither a checkpoint nor a manifest says which topic the log is of");
    const readAgain = async (onLine: ConstructorParameters<typeof LogCheck>[1]) => {
      // What is wrong with the lines themselves was said the first time.
      const again = new LogCheck(new Findings(), onLine);
      for (const part of parts) await again.read(part);
    };
    return checkTopic(log, { client, identity, isComplete, findings: this.#findings, readAgain });
  }
}

function findGaps(log: LogCheck, findings: Findings): void {
  for (const [partition, { offsets }] of log.partitions) {
    for (const gap of offsets.gaps())
      findings.add(
        { kind: "missing", partition, offsets: gap, detail: "no line between two that are there" },
        countOf([gap]),
      );
  }
}

function figuresOf(log: LogCheck, topic: ReadonlyMap<number, TopicFigures> | undefined): Map<number, Figures> {
  const numbers = new Set([...log.partitions.keys(), ...(topic?.keys() ?? [])]);
  return new Map(
    [...numbers]
      .sort((a, b) => a - b)
      .map((partition) => {
        const own = log.partitions.get(partition);
        const there = topic?.get(partition);
        const figures: Figures = {
          lines: own?.lines ?? 0,
          bytes: own?.bytes ?? 0,
          firstOffset: own?.offsets.first ?? null,
          lastOffset: own?.offsets.last ?? null,
          missing: there ? there.missing : countOf(own?.offsets.gaps() ?? []),
          duplicated: own?.duplicated ?? 0,
          outOfOrder: own?.outOfOrder ?? 0,
          damaged: own?.damaged ?? 0,
          behind: there?.behind ?? null,
          gone: there?.gone ?? null,
        };
        return [partition, figures];
      }),
  );
}
