/**
 * The CPU time and the memory of a process with all of its threads and everything it started: from /proc on Linux, from `ps`
 * elsewhere. Time is user and system together.
 */
import { readdirSync, readFileSync } from "node:fs";
import { statFields } from "../kafka/processes.ts";

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Milliseconds of CPU that these processes and their descendants have used so far. */
export function cpuMs(pids: readonly number[]): number {
  return withDescendants(allProcesses(), pids).reduce((sum, one) => sum + one.cpuMs, 0);
}

export function residentBytes(pids: readonly number[]): number {
  return withDescendants(allProcesses(), pids).reduce((sum, one) => sum + one.residentBytes, 0);
}

function allProcesses(): ProcessTimes[] {
  return process.platform === "linux" ? processesFromProc() : processesFromPs();
}

export function withDescendants<P extends Pick<ProcessTimes, "pid" | "parent">>(
  all: readonly P[],
  roots: readonly number[],
): P[] {
  const children = Map.groupBy(all, (one) => one.parent);
  const found = new Set(all.filter((one) => roots.includes(one.pid)));
  for (const one of found) for (const child of children.get(one.pid) ?? []) found.add(child);
  return [...found];
}

let unitsOfProc: { readonly msPerTick: number; readonly pageBytes: number } | undefined;

function processesFromProc(): ProcessTimes[] {
  unitsOfProc ??= { msPerTick: 1000 / systemNumber("CLK_TCK"), pageBytes: systemNumber("PAGESIZE") };
  const found: ProcessTimes[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      found.push(readStat(readFileSync(`/proc/${name}/stat`, "latin1"), unitsOfProc));
    } catch {
      // It has ended since.
    }
  }
  return found;
}

/** One /proc/PID/stat: proc_pid_stat(5). */
export function readStat(
  stat: string,
  { msPerTick, pageBytes }: { msPerTick: number; pageBytes: number },
): ProcessTimes {
  const fields = statFields(stat);
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(stat, 10),
    parent: field(4),
    cpuMs: (field(14) + field(15)) * msPerTick,
    residentBytes: field(24) * pageBytes,
  };
}

function systemNumber(name: string): number {
  return Number(Bun.spawnSync(["getconf", name]).stdout.toString());
}

function processesFromPs(): ProcessTimes[] {
  const run = Bun.spawnSync(["ps", "-axo", "pid=,ppid=,rss=,time="], { env: { ...process.env, LC_ALL: "C" } });
  return run.stdout
    .toString()
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [pid, parent, rss, time = ""] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), cpuMs: readTime(time), residentBytes: Number(rss) * 1024 };
    });
}

/** `[days-][hours:]minutes:seconds[.hundredths]`, as `ps` writes it, in milliseconds. */
export function readTime(text: string): number {
  const [, days = "0", clock = ""] = /^(?:(\d+)-)?([\d:.]+)$/.exec(text) ?? [];
  const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1000);
}
