/** serve's memory over many events. */
import { residentBytes } from "../cpu.ts";
import { BATCH_EVENTS } from "../events.ts";
import { keepingFaults, theOha } from "../http-run.ts";
import { runOha } from "../oha.ts";
import { serveOf } from "../servers.ts";
import type { Bench, Run, Suite } from "../suite.ts";
import type { Tree } from "../trees.ts";
import { batchLoad } from "./batch.ts";

const SAMPLE_MS = 1000;
const MB = 1e6;

export const memory: Suite = {
  name: "memory",
  title: "Memory over many events",
  about: `serve's resident memory, all of its processes, while batches of ${BATCH_EVENTS} events are sent; looked at every second. One round.`,
  unit: "event",
  rounds: 1,
  chart: "course",
  cases: (bench) =>
    bench.trees.map((tree) => ({
      group: `${bench.options.memoryEvents / 1e6} million events`,
      name: tree.label("serve"),
      run: () => run(bench, tree),
    })),
};

async function run(bench: Bench, tree: Tree): Promise<Run> {
  const { kafka, options } = bench;
  const topic = await kafka.createTopic(4);
  const { child, url } = await serveOf(tree).start({ brokers: kafka.brokers, topic });
  const load = { ...(await batchLoad(bench)), amount: { requests: Math.ceil(options.memoryEvents / BATCH_EVENTS) } };
  const course: [number, number][] = [];
  const sample = async () => {
    const resident = residentBytes([child.pid]) / MB;
    course.push([(await kafka.records(topic)) / 1e6, resident]);
  };
  const sampler = setInterval(() => void sample().catch(() => {}), SAMPLE_MS);
  const { report } = await runOha(theOha(), { ...load, url: url + load.path });
  clearInterval(sampler);
  await sample();
  const after = await kafka.records(topic);
  const code = await child.stop();
  return {
    figures: {
      rate: after / report.seconds,
      residentMb: course.at(-1)![1],
      residentPeakMb: Math.max(...course.map(([, mb]) => mb)),
    },
    faults: [...keepingFaults(report, load, { before: 0, after }), ...(code === 0 ? [] : [`serve ended with ${code}`])],
    course,
  };
}
