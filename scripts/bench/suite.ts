/**
 * What a suite is: cases that are measured in turn, round by round. A case does one run, by itself, and hands back figures and faults;
 * a fault (something was lost, a process ended badly) fails the whole benchmark.
 */

import type { benchOptions, SuiteName } from "../../src/options/bench.ts";
import type { Values } from "../../src/options/core.ts";
import type { BenchKafka } from "./kafka.ts";
import type { ServerKind } from "./servers.ts";
import type { Tree } from "./trees.ts";

/** By name, see `FIGURES`. */
export type Figures = Readonly<Partial<Record<FigureName, number>>>;

export interface Run {
  readonly figures: Figures;
  readonly faults: readonly string[];
  /** How something went on within the run, as [x, y]. */
  readonly course?: readonly (readonly [number, number])[];
}

/** What is measured, in the order of the tables. `digits` behind the point. */
export const FIGURES = {
  rate: { head: "per second", digits: 0 },
  readingRate: { head: "per second from the first on", digits: 0 },
  p50Ms: { head: "p50 ms", digits: 2 },
  p99Ms: { head: "p99 ms", digits: 2 },
  cpuUs: { head: "its CPU µs", digits: 1 },
  consumeCpuUs: { head: "consume's CPU µs", digits: 1 },
  kafkaCpuUs: { head: "Kafka's CPU µs", digits: 1 },
  loadCpuUs: { head: "load's CPU µs", digits: 1 },
  residentMb: { head: "MB at the end", digits: 0 },
  residentPeakMb: { head: "MB at most", digits: 0 },
} as const;
export type FigureName = keyof typeof FIGURES;

export interface Case {
  /** What it has in common with those it is compared with: "64 connections". */
  readonly group: string;
  /** What it is: "serve", "FastAPI". The first of a group is what the others are held against. */
  readonly name: string;
  readonly run: () => Promise<Run>;
}

export interface Bench {
  readonly options: Values<typeof benchOptions>;
  readonly kafka: BenchKafka;
  /** The first is these files. */
  readonly trees: readonly Tree[];
  readonly baselines: readonly ServerKind[];
  /** Thrown away after the suite. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface Suite {
  readonly name: SuiteName;
  readonly title: string;
  /** What a reader of the table has to know. */
  readonly about: string;
  /** What rate and CPU are counted in. */
  readonly unit: string;
  /** Trees whose command lacks this option are left out. */
  readonly needs?: { readonly command: string; readonly flag: string };
  /** Where once is enough. */
  readonly rounds?: 1;
  readonly chart: "bars" | "course";
  readonly cases: (bench: Bench) => readonly Case[] | Promise<readonly Case[]>;
}
