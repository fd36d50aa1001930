/** Options of `bun run serve` about its processes; and what each of several gets of what is limited for all of them together. */
import { integer, UsageError } from "./core.ts";

export const processOptions = {
  processes: integer({
    flag: "processes",
    placeholder: "<count>",
    min: 1,
    max: 64,
    default: 1,
    help: "how many processes share the port, one a core; limits, quotas and the spool are divided among them",
  }),
};

interface Divisible {
  readonly processes: number;
  readonly dedupeWindow: number;
  readonly maxEventBytes: number;
  readonly maxPendingEvents: number;
  readonly maxPendingBytes: number;
  readonly maxMemoryMb: number;
  readonly spool: string | undefined;
  readonly spoolMaxBytes: number;
}

/** What one process needs, whatever it is that is divided. */
const LEAST_MEMORY_MB = 100;
const LEAST_SPOOL_BYTES = 100_000;

/** Throws `UsageError` where there cannot be so many processes. */
export function checkProcesses(options: Divisible): void {
  const { processes, maxEventBytes } = options;
  if (processes === 1) return;
  if (options.dedupeWindow > 0) {
    throw new UsageError(
      `--dedupe-window needs --processes 1, not ${processes}: an event that is sent again may reach another process, which does not know it`,
    );
  }
  const share = shareOf(options);
  const limits: [flag: string, all: number, one: number, least: number, why: string][] = [
    ["max-pending-events", options.maxPendingEvents, share.maxPendingEvents, 1, "one event"],
    ["max-pending-bytes", options.maxPendingBytes, share.maxPendingBytes, maxEventBytes, "--max-event-bytes"],
    ["max-memory-mb", options.maxMemoryMb, share.maxMemoryMb, LEAST_MEMORY_MB, "what a process needs"],
  ];
  if (options.spool !== undefined)
    limits.push(["spool-max-bytes", options.spoolMaxBytes, share.spoolMaxBytes, LEAST_SPOOL_BYTES, "a spool's least"]);
  for (const [flag, all, one, least, why] of limits) {
    if (one >= least) continue;
    throw new UsageError(
      `--${flag} ${all} leaves each of ${processes} processes ${one}, less than ${least} (${why}): give at least ${least * processes}`,
    );
  }
}

/** One process's part of what is limited. */
export function shareOf<T extends Divisible>(options: T): T {
  const part = (whole: number) => Math.floor(whole / options.processes);
  return {
    ...options,
    maxPendingEvents: part(options.maxPendingEvents),
    maxPendingBytes: part(options.maxPendingBytes),
    maxMemoryMb: part(options.maxMemoryMb),
    spoolMaxBytes: part(options.spoolMaxBytes),
  };
}
