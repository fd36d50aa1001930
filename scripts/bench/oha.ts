/** oha (hatoo/oha), the load generator: found, run, and its report read. The npm package of that name is something else. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { BenchFailure } from "./failure.ts";

const HOW_TO_INSTALL = `Install it:
  anywhere with Rust  cargo install oha --locked
  macOS               brew install oha
  Arch                pacman -S oha
or take a binary from https://github.com/hatoo/oha/releases (the npm package called oha is something else).`;

export interface Oha {
  readonly path: string;
  readonly version: string;
  /** How this version is asked for JSON. */
  readonly jsonFlags: readonly string[];
}

export interface LoadPlan {
  readonly url: string;
  readonly connections: number;
  /** Either: how long, or how many requests. */
  readonly amount: { readonly seconds: number } | { readonly requests: number };
  readonly contentType: string;
  readonly bodyFile: string;
}

/** What a load generator has to tell. */
export interface LoadReport {
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without an answer, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** On the PATH, or where cargo puts it. Throws a BenchFailure that says how to come by it. */
export function findOha(environment: Readonly<Record<string, string | undefined>> = process.env): Oha {
  const fromCargo = join(environment.CARGO_HOME ?? join(environment.HOME ?? homedir(), ".cargo"), "bin/oha");
  const path = Bun.which("oha", { PATH: environment.PATH ?? "" }) ?? (existsSync(fromCargo) ? fromCargo : undefined);
  if (path === undefined)
    throw new BenchFailure(`oha is needed, and is neither on the PATH nor in ~/.cargo/bin. ${HOW_TO_INSTALL}`);
  const ask = (flag: string) => Bun.spawnSync([path, flag], { timeout: 10_000, stdin: "ignore" }).stdout.toString();
  const jsonFlags = jsonFlagsOf(ask("--help"));
  if (jsonFlags === undefined) throw new BenchFailure(`${path} is not hatoo/oha, or a very old one. ${HOW_TO_INSTALL}`);
  return { path, version: ask("--version").trim().replace(/^oha /, ""), jsonFlags };
}

/** From its `--help`; undefined where that is not hatoo/oha's. */
export function jsonFlagsOf(help: string): readonly string[] | undefined {
  if (!help.includes("--no-tui")) return undefined;
  if (help.includes("--output-format")) return ["--output-format", "json"];
  return help.includes("--json") ? ["--json"] : undefined;
}

/** Runs it to its end; requests under way at the end of the time are waited for, so that each has its answer. */
export async function runOha(oha: Oha, plan: LoadPlan): Promise<{ report: LoadReport; cpuMs: number }> {
  const amount = "seconds" in plan.amount ? ["-z", `${plan.amount.seconds}s`, "-w"] : ["-n", `${plan.amount.requests}`];
  const request = ["-m", "POST", "-T", plan.contentType, "-D", plan.bodyFile];
  const child = Bun.spawn(
    [oha.path, "--no-tui", ...oha.jsonFlags, ...amount, "-c", `${plan.connections}`, ...request, plan.url],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new BenchFailure(`oha ended with ${code}: ${errors.trim()}`);
  return { report: readReport(output), cpuMs: Number(child.resourceUsage()?.cpuTime.total ?? 0n) / 1000 };
}

interface OhaJson {
  readonly summary: { readonly total: number };
  readonly latencyPercentiles: Readonly<Record<string, number | null>>;
  readonly statusCodeDistribution: Readonly<Record<string, number>>;
  readonly errorDistribution: Readonly<Record<string, number>>;
}

/** Its JSON, whose times are in seconds. Throws a BenchFailure where it is something else. */
export function readReport(json: string): LoadReport {
  let parsed: Partial<OhaJson>;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw new BenchFailure(`oha's report is not JSON: ${json.slice(0, 200)}`);
  }
  const { summary, latencyPercentiles, statusCodeDistribution, errorDistribution = {} } = parsed;
  if (typeof summary?.total !== "number" || !statusCodeDistribution || !latencyPercentiles)
    throw new BenchFailure(`oha's report has another form than is known here: ${json.slice(0, 200)}`);
  const ms = (name: string) => (latencyPercentiles[name] ?? Number.NaN) * 1000;
  return {
    seconds: summary.total,
    statuses: statusCodeDistribution,
    errors: errorDistribution,
    p50Ms: ms("p50"),
    p99Ms: ms("p99"),
  };
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
