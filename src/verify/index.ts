/**
 * Whether a log is what it should be: every line whole and once, in order, as the manifests say and (with Kafka) as the topic has it.
 * It changes nothing, and reads as a stream: its memory grows with the number of gaps, not with the log.
 */
import {
  type Content,
  LogFileLock,
  type Manifest,
  readCheckpoint,
  readManifest,
  type TopicIdentity,
} from "../consume/index.ts";
import { type LogPart, lastByteOf, partsOf } from "./files.ts";
import { Findings } from "./findings.ts";
import { countOf } from "./intervals.ts";
import { LogCheck } from "./log-check.ts";
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

const LF = 0x0a;

/** Rejects where there is no log, or Kafka does not answer. */
export async function verify({ logFile, client, isComplete, allowsGaps }: VerifyOptions): Promise<Verdict> {
  const startedAt = performance.now();
  const parts = partsOf(logFile);
  if (parts.length === 0) throw new Error(`there is no log at ${logFile}`);
  const findings = new Findings();
  const log = new LogCheck(findings);
  let identity: TopicIdentity | undefined;
  let bytes = 0;
  for (const part of parts) {
    const read = await log.read(part);
    bytes += read?.content.bytes ?? 0;
    if (read) identity = checkPart(part, read, logFile, findings) ?? identity;
  }
  identity = checkCheckpoint(logFile, parts, log, findings) ?? identity;
  const topic = client && (await againstTopic(log, { client, identity, parts, isComplete, findings }));
  if (!topic && !allowsGaps) findGaps(log, findings);
  return {
    logFile,
    files: parts.length,
    lines: log.lines,
    bytes,
    ms: performance.now() - startedAt,
    isAgainstTopic: topic !== undefined,
    partitions: figuresOf(log, topic),
    findings,
  };
}

/** Returns whose records the file holds, where its manifest says so. */
function checkPart(
  part: LogPart,
  { content, tailBytes }: { readonly content: Content; readonly tailBytes: number },
  logFile: string,
  findings: Findings,
): TopicIdentity | undefined {
  const file = part.name;
  // Whoever writes to it right now is in the middle of a line.
  if (tailBytes > 0 && !(part.isLive && isHeld(logFile)))
    findings.add({
      kind: "damaged",
      file,
      byte: content.bytes - tailBytes,
      detail: `an unfinished line of ${tailBytes} bytes at the end`,
    });
  if (part.isLive) return undefined;
  const manifest = readManifest(part.path);
  if (typeof manifest !== "object") {
    findings.add({
      kind: "manifest",
      file,
      detail: manifest === undefined ? "there is none" : `it cannot be used: ${manifest}`,
    });
    return undefined;
  }
  for (const detail of contradictions(part, manifest, content)) findings.add({ kind: "manifest", file, detail });
  return manifest.identity;
}

function contradictions(part: LogPart, manifest: Manifest, content: Content): string[] {
  const said: [what: string, said: unknown, found: unknown][] = [
    ["file", manifest.file, part.name],
    ["lines", manifest.lines, content.lines],
    ["foreign_lines", manifest.foreignLines, content.foreignLines],
    ["bytes", manifest.bytes, content.bytes],
    ["crc32c", manifest.crc32c, content.crc32c],
    ["compressed_bytes", manifest.compressedBytes, part.compression === null ? null : part.fileBytes],
    ["partitions", JSON.stringify(manifest.partitions), JSON.stringify(content.partitions)],
  ];
  return said
    .filter(([, one, other]) => one !== other)
    .map(([what, one, other]) => `${what}: it says ${one}, and there is ${other}`);
}

function isHeld(logFile: string): boolean {
  try {
    new LogFileLock(logFile).release();
    return false;
  } catch {
    return true;
  }
}

function checkCheckpoint(
  logFile: string,
  parts: readonly LogPart[],
  log: LogCheck,
  findings: Findings,
): TopicIdentity | undefined {
  const checkpoint = readCheckpoint(logFile);
  if (checkpoint === undefined) return undefined;
  const add = (detail: string, partition?: number) =>
    findings.add({ kind: "checkpoint", detail, ...(partition !== undefined && { partition }) });
  if (typeof checkpoint === "string") {
    add(`it cannot be used: ${checkpoint}`);
    return undefined;
  }
  const live = parts.find(({ isLive }) => isLive);
  const length = live?.fileBytes ?? 0;
  if (length < checkpoint.validBytes)
    add(`it vouches for ${checkpoint.validBytes} bytes, and the live file has ${length}`);
  else if (live && checkpoint.validBytes > 0 && lastByteOf(live.path, checkpoint.validBytes) !== LF)
    add(`it vouches for ${checkpoint.validBytes} bytes, where no line ends`);
  for (const [partition, offset] of checkpoint.offsets) {
    const last = log.partitions.get(partition)?.last ?? -1;
    if (last < offset) add(`it has offset ${offset}, and the last line is of ${last < 0 ? "none" : last}`, partition);
  }
  return checkpoint.identity;
}

async function againstTopic(
  log: LogCheck,
  {
    client,
    identity,
    parts,
    isComplete,
    findings,
  }: {
    readonly client: TopicClient;
    readonly identity: TopicIdentity | undefined;
    readonly parts: readonly LogPart[];
    readonly isComplete: boolean;
    readonly findings: Findings;
  },
): Promise<Map<number, TopicFigures>> {
  if (identity === undefined) throw new Error("neither a checkpoint nor a manifest says which topic the log is of");
  const readAgain = async (onLine: ConstructorParameters<typeof LogCheck>[1]) => {
    // What is wrong with the lines themselves was said the first time.
    const again = new LogCheck(new Findings(), onLine);
    for (const part of parts) await again.read(part);
  };
  return checkTopic(log, { client, identity, isComplete, findings, readAgain });
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
