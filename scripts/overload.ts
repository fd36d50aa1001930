/**
 * `bun run overload [single|batch]`: what serve does when it is offered ten times the load that it can take. First it measures the
 * peak: acked events a second with as many connections as do best. Then ten times as many connections, from several processes, each
 * sending its next request as soon as the last is answered, in turn with the peak, each held against the one just before it, since
 * other things run on the machine too. Exit 0 only where under overload
 *
 * - every request got its answer, and within the delivery timeout,
 * - acked events a second stayed within 10 % of the peak (the median of all turns),
 * - serve's memory stayed below --max-memory-mb.
 *
 * Uses KAFKA_BROKERS where it is set, else starts a broker of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, startCluster } from "./kafka/cluster.ts";
import type { Report } from "./overload/client.ts";
import { residentBytes, type ServeProcess, withServeOn } from "./serve/process.ts";

interface Mode {
  readonly name: string;
  readonly batchEvents: number;
  /** Of these the best is the peak. */
  readonly connections: readonly number[];
}

const MODES: readonly Mode[] = [
  { name: "single", batchEvents: 1, connections: [32, 64, 128] },
  { name: "batch", batchEvents: 1000, connections: [4, 8, 16] },
];
const TIMES = 10;
/** Many short ones: other work on the machine makes one differ from the next by a third, and what is wanted is a tenth. */
const ROUNDS = 15;
/** To find out which load makes the peak. */
const PEAK_ROUNDS = 3;
/** Of both loads: what the clients take of the machine is not to tell between them. */
const CLIENTS = 2;
const WARM_UP_MS = 500;
const MEASURED_MS = 2000;
const MAX_MEMORY_MB = 1000;
const DELIVERY_TIMEOUT_MS = 10_000;
/** serve looks for overdue events four times a second; the rest is for two cores' worth of processes to get their turn. */
const TOLERANCE_MS = 1000;
const KEPT_SHARE = 0.9;
const MEMORY_INTERVAL_MS = 200;
const CLIENT = join(import.meta.dir, "overload/client.ts");

interface Measured {
  readonly eventsPerS: number;
  readonly reports: readonly Report[];
}

async function measure(url: string, connections: number, batchEvents: number): Promise<Measured> {
  const each = Math.ceil(connections / CLIENTS);
  const reports = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const args = [url, each, WARM_UP_MS, MEASURED_MS, batchEvents].map(String);
      const child = Bun.spawn([process.execPath, CLIENT, ...args], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      });
      return JSON.parse(await child.stdout.text()) as Report;
    }),
  );
  const accepted = reports.reduce((sum, report) => sum + report.accepted, 0);
  return { eventsPerS: Math.round((accepted * 1000) / MEASURED_MS), reports };
}

/** The most memory that serve had while `work` ran. */
async function watchMemory<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly maxBytes: number }> {
  let maxBytes = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      maxBytes = Math.max(maxBytes, await residentBytes(pid));
      await Bun.sleep(MEMORY_INTERVAL_MS);
    }
  })();
  try {
    return { result: await work(), maxBytes };
  } finally {
    isOver = true;
    await watching;
  }
}

function say(line: string): void {
  console.log(`overload: ${line}`);
}

function answers(reports: readonly Report[]): string {
  const total = new Map<string, number>();
  for (const { answersByStatus } of reports)
    for (const [status, count] of Object.entries(answersByStatus)) total.set(status, (total.get(status) ?? 0) + count);
  return [...total].map(([status, count]) => `${status} ${count.toLocaleString("en-US")}`).join(", ");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** What is wrong with it; nothing where all is well. */
async function examine({ url, pid }: ServeProcess, mode: Mode): Promise<string[]> {
  const found = new Map<number, number[]>(mode.connections.map((connections) => [connections, []]));
  for (let round = 0; round < PEAK_ROUNDS; round++)
    for (const [connections, rates] of found)
      rates.push((await measure(url, connections, mode.batchEvents)).eventsPerS);
  for (const [connections, rates] of found)
    say(`${mode.name}: ${connections} connections, ${median(rates).toLocaleString("en-US")} acked events/s`);
  const [best] = [...found].sort(([, a], [, b]) => median(b) - median(a))[0]!;
  const [shares, reports]: [number[], Report[]] = [[], []];
  let maxBytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const peak = await measure(url, best, mode.batchEvents);
    const overload = await watchMemory(pid, () => measure(url, best * TIMES, mode.batchEvents));
    const kept = overload.result.eventsPerS;
    shares.push(peak.eventsPerS === 0 ? 0 : kept / peak.eventsPerS);
    reports.push(...overload.result.reports);
    maxBytes = Math.max(maxBytes, overload.maxBytes);
    say(
      `${mode.name}: peak ${peak.eventsPerS}, at ${best * TIMES} connections ${kept} acked events/s; ${answers(overload.result.reports)}`,
    );
  }
  const share = median(shares);
  const maxMs = Math.max(...reports.map((report) => report.maxMs));
  const memoryMb = Math.round(maxBytes / 1e6);
  say(
    `${mode.name}: ${(100 * share).toFixed(0)} % of the peak, the longest answer ${Math.round(maxMs)} ms, memory ${memoryMb} MB`,
  );
  const [broken, unanswered] = (["broken", "unanswered"] as const).map((what) =>
    reports.reduce((sum, r) => sum + r[what], 0),
  );
  return [
    ...(share < KEPT_SHARE ? [`goodput fell to ${(100 * share).toFixed(0)} % of the peak`] : []),
    ...(maxMs > DELIVERY_TIMEOUT_MS + TOLERANCE_MS ? [`an answer took ${Math.round(maxMs)} ms`] : []),
    ...(broken || unanswered ? [`${broken} connections broke, ${unanswered} requests had no answer`] : []),
    ...(memoryMb >= MAX_MEMORY_MB ? [`memory came to ${memoryMb} MB`] : []),
  ].map((fault) => `${mode.name}: ${fault}`);
}

/** On the Kafka that is named, or one that ends with this. */
async function withKafka<T>(use: (brokers: string) => Promise<T>): Promise<T> {
  const given = process.env.KAFKA_BROKERS;
  if (given) return use(given);
  const dataFolder = mkdtempSync(join(tmpdir(), "sluice-overload-"));
  const cluster = await startCluster({ brokers: 1, ports: await freePorts(1), dataFolder });
  try {
    return await use(cluster.bootstrap);
  } finally {
    await cluster.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

const wanted = process.argv[2];
const modes = MODES.filter(({ name }) => wanted === undefined || name === wanted);
if (modes.length === 0 || process.argv.length > 3) {
  console.error("overload: bun run overload [single|batch]");
  process.exit(2);
}
const topic = `overload-${Date.now().toString(36)}`;
const limits = ["--max-memory-mb", String(MAX_MEMORY_MB), "--delivery-timeout-ms", String(DELIVERY_TIMEOUT_MS)];
const faults = await withKafka((brokers) =>
  withServeOn(brokers, ["--kafka-topic", topic, ...limits], async (serve) => {
    const found: string[] = [];
    for (const mode of modes) found.push(...(await examine(serve, mode)));
    const code = await serve.stop();
    return code === 0 ? found : [...found, `serve ended with ${code}: ${serve.log()}`];
  }),
);
for (const fault of faults) console.error(`FAULT ${fault}`);
say(faults.length === 0 ? "PASSED" : "FAILED");
process.exit(faults.length === 0 ? 0 : 1);
