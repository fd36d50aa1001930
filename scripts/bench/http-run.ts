/** One run of HTTP load: server, warm-up, load, and then the topic's records against the answers. */
import { cpuMs } from "./cpu.ts";
import { findOha, type LoadPlan, type LoadReport, type Oha, runOha, sum } from "./oha.ts";
import type { ServerKind } from "./servers.ts";
import type { Bench, Run } from "./suite.ts";

const WARM_UP_S = 2;

export interface HttpLoad {
  readonly partitions?: number;
  readonly connections: number;
  /** With the query. */
  readonly path: string;
  readonly contentType: string;
  readonly bodyFile: string;
  readonly eventsPerRequest: number;
}

let oha: Oha | undefined;
export function theOha(): Oha {
  oha ??= findOha();
  return oha;
}

export async function runHttp(bench: Bench, kind: ServerKind, load: HttpLoad): Promise<Run> {
  const { kafka, options } = bench;
  const topic = await kafka.createTopic(load.partitions ?? 4);
  const { child, url } = await kind.start({ brokers: kafka.brokers, topic });
  const plan = (seconds: number): LoadPlan => ({ ...load, url: url + load.path, amount: { seconds } });
  const warmUp = await runOha(theOha(), plan(WARM_UP_S));
  const before = kind.keepsEvents ? await kafka.settledRecords(topic, taken(warmUp.report, load)) : 0;
  const cpuBefore = [cpuMs([child.pid]), cpuMs(kafka.pids)] as const;
  const { report, cpuMs: loadCpuMs } = await runOha(theOha(), plan(options.seconds));
  const cpu = [cpuMs([child.pid]) - cpuBefore[0], cpuMs(kafka.pids) - cpuBefore[1]] as const;
  const events = taken(report, load);
  const after = kind.keepsEvents ? await kafka.settledRecords(topic, before + events) : 0;
  const code = await child.stop();
  return {
    figures: {
      rate: events / report.seconds,
      p50Ms: report.p50Ms,
      p99Ms: report.p99Ms,
      cpuUs: (cpu[0] * 1000) / events,
      ...(kind.keepsEvents && kafka.pids.length > 0 && { kafkaCpuUs: (cpu[1] * 1000) / events }),
      loadCpuUs: (loadCpuMs * 1000) / events,
    },
    faults: [
      ...(kind.keepsEvents ? keepingFaults(report, load, { before, after }) : []),
      ...answerFaults(report),
      ...(kind.goodExits.includes(code) ? [] : [`${kind.label} ended with ${code}`]),
    ],
  };
}

/** Events that were answered with 202: of a batch, that says every one of its events was taken. */
function taken({ statuses }: LoadReport, { eventsPerRequest }: Pick<HttpLoad, "eventsPerRequest">): number {
  return (statuses["202"] ?? 0) * eventsPerRequest;
}

/** Each event that was taken is a record, and nothing else is, except what had another answer or none: that may have landed. */
export function keepingFaults(
  report: LoadReport,
  load: Pick<HttpLoad, "eventsPerRequest">,
  records: { readonly before: number; readonly after: number },
): string[] {
  const events = taken(report, load);
  const found = records.after - records.before;
  const doubtful = (sum(report.statuses) + sum(report.errors)) * load.eventsPerRequest - events;
  if (found < events) return [`LOST: ${events} events were answered with 202, and the topic has ${found} more records`];
  if (found > events + doubtful)
    return [`${found} records in the topic, from no more than ${events + doubtful} events`];
  return [];
}

function answerFaults(report: LoadReport): string[] {
  const others = Object.entries({ ...report.statuses, ...report.errors }).filter(([what]) => what !== "202");
  return others.map(([what, count]) => `${count} requests were answered otherwise: ${what}`);
}
