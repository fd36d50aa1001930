/** One file of a log held against its manifest, and manifests whose file is not there. */
import { basename } from "node:path";
import { type Content, type Manifest, orphanManifests, readManifest } from "../consume/index.ts";
import type { LogPart } from "./files.ts";
import type { Findings } from "./findings.ts";

export interface PartCheckOptions {
  readonly findings: Findings;
  /** A consume process has the log: it may be in the middle of a line, and not yet done with what it has closed. */
  readonly isHeld: boolean;
}

/** What a closed file's manifest says; nothing where there is none that can be used, which is then said. */
export function manifestOf(part: LogPart, { findings, isHeld }: PartCheckOptions): Manifest | undefined {
  if (part.isLive) return undefined;
  const manifest = readManifest(part.path);
  if (typeof manifest === "object") return manifest;
  const isAwaited = manifest === undefined && part.compression === null && isHeld;
  if (!isAwaited) {
    const detail = manifest === undefined ? "there is none" : `it cannot be used: ${manifest}`;
    findings.add({ kind: "manifest", file: part.name, detail });
  }
  return undefined;
}

export function checkPart(
  part: LogPart,
  manifest: Manifest | undefined,
  { content, tailBytes }: { readonly content: Content; readonly tailBytes: number },
  { findings, isHeld }: PartCheckOptions,
): void {
  const file = part.name;
  if (tailBytes > 0 && !(part.isLive && isHeld)) {
    const detail = `an unfinished line of ${tailBytes} bytes at the end`;
    findings.add({ kind: "damaged", file, byte: content.bytes - tailBytes, detail });
  }
  if (manifest === undefined) return;
  for (const detail of contradictions(part, manifest, content)) findings.add({ kind: "manifest", file, detail });
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

export function checkOrphans(logFile: string, { findings }: PartCheckOptions): void {
  for (const path of orphanManifests(logFile))
    findings.add({ kind: "file", file: basename(path), detail: "the file that this manifest is of is not there" });
}
