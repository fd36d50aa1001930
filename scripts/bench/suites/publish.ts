/** The project's own producer alone: what HTTP, JSON and admission are measured against. */
import { join } from "node:path";
import { runForJson } from "../child.ts";
import { cpuMs } from "../cpu.ts";
import { EVENT_BYTES } from "../events.ts";
import type { Bench, Run, Suite } from "../suite.ts";
import { PROJECT_FOLDER, type Tree } from "../trees.ts";

export interface PublishReport {
  readonly acked: number;
  readonly refused: number;
  /** Of the time that counts, from the end of the warm-up on. */
  readonly ackedInTime: number;
  readonly seconds: number;
  readonly cpuMs: number;
}

export interface PublishPlan {
  readonly topic: string;
  readonly amount: { readonly seconds: number } | { readonly records: number };
}

export async function publish(bench: Bench, tree: Tree, { topic, amount }: PublishPlan): Promise<PublishReport> {
  const script = join(PROJECT_FOLDER, "scripts/bench/loops/publish.ts");
  const plan = JSON.stringify({ folder: tree.folder, brokers: bench.kafka.brokers, topic, ...amount });
  const { value } = await runForJson<PublishReport>({
    name: "scripts/bench/loops/publish.ts",
    command: [process.execPath, script, plan],
  });
  return value;
}

async function run(bench: Bench, tree: Tree): Promise<Run> {
  const { kafka, options } = bench;
  const topic = await kafka.createTopic(4);
  const kafkaBefore = cpuMs(kafka.pids);
  const report = await publish(bench, tree, { topic, amount: { seconds: options.seconds } });
  const kafkaCpuMs = cpuMs(kafka.pids) - kafkaBefore;
  const found = await kafka.records(topic);
  return {
    figures: {
      rate: report.ackedInTime / report.seconds,
      cpuUs: (report.cpuMs * 1000) / report.ackedInTime,
      ...(kafka.pids.length > 0 && { kafkaCpuUs: (kafkaCpuMs * 1000) / report.acked }),
    },
    faults: [
      ...(found === report.acked ? [] : [`LOST: ${report.acked} records were acked, and the topic has ${found}`]),
      ...(report.refused === 0 ? [] : [`${report.refused} records were refused`]),
    ],
  };
}

export const publishSuite: Suite = {
  name: "publish",
  title: "The producer alone",
  about:
    `The project's \`Producer.publish\` in a loop, ${EVENT_BYTES} bytes and the two headers that serve gives each record, 1,000 a call, idempotent, ` +
    "acks of all in-sync replicas. (librdkafka's own `rdkafka_performance` is not built here, and sends no headers.)",
  unit: "record",
  chart: "bars",
  cases: (bench) =>
    bench.trees.map((tree) => ({ group: "publish", name: tree.label("publish"), run: () => run(bench, tree) })),
};
