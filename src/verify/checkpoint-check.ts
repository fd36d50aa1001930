/** What the checkpoint says of a log, held against the log. */
import type { Checkpoint } from "../consume/index.ts";
import { byteBefore, type LogPart } from "./files.ts";
import type { Findings } from "./findings.ts";
import type { LogCheck } from "./log-check.ts";

const LF = 0x0a;

/** `checkpoint` must have been read before the files were looked at: they only grow. */
export async function checkCheckpoint(
  checkpoint: Checkpoint | string | undefined,
  { parts, log, findings }: { readonly parts: readonly LogPart[]; readonly log: LogCheck; readonly findings: Findings },
): Promise<void> {
  if (checkpoint === undefined) return;
  if (typeof checkpoint === "string") {
    findings.add({ kind: "checkpoint", detail: `it cannot be used: ${checkpoint}` });
    return;
  }
  const detail = await lengthProblem(checkpoint, parts);
  if (detail !== undefined) findings.add({ kind: "checkpoint", detail });
  const isOlderGone = wereFilesDeleted(checkpoint, parts);
  for (const [partition, offset] of checkpoint.offsets) {
    const last = log.partitions.get(partition)?.last;
    // A partition that nothing came of for long: its last line went with the oldest files.
    if (last === undefined && isOlderGone) continue;
    if (last !== undefined && last >= offset) continue;
    const there = last === undefined ? "and there is no line of it" : `and the last line is of ${last}`;
    findings.add({ kind: "checkpoint", detail: `it has offset ${offset}, ${there}`, partition });
  }
}

async function lengthProblem({ validBytes, file }: Checkpoint, parts: readonly LogPart[]): Promise<string | undefined> {
  const live = parts.find(({ isLive }) => isLive);
  // It speaks of a file that was closed (or moved away) since.
  if (live && file && !(file.inode === live.id.inode && file.device === live.id.device)) return undefined;
  const length = live?.fileBytes ?? 0;
  if (length < validBytes) return `it vouches for ${validBytes} bytes, and the live file has ${length}`;
  if (live && validBytes > 0 && (await byteBefore(live, validBytes)) !== LF)
    return `it vouches for ${validBytes} bytes, where no line ends`;
  return undefined;
}

/** As `--keep` does: closed files are numbered from 1 on. */
function wereFilesDeleted({ sequence }: Checkpoint, parts: readonly LogPart[]): boolean {
  const oldest = parts.find(({ isLive }) => !isLive);
  return (oldest?.sequence ?? sequence + 1) > 1;
}
