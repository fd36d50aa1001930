/** Records to lines in a file, against Kafka's own consumer benchmark, which keeps nothing. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { Child } from "../child.ts";
import { cpuMs } from "../cpu.ts";
import { EVENT_BYTES } from "../events.ts";
import { kafkaTool } from "../kafka.ts";
import type { Bench, Case, Run, Suite } from "../suite.ts";
import type { Tree } from "../trees.ts";
import { publish } from "./publish.ts";

const WORKERS = 2;
const POLL_MS = 5;
const STANDSTILL_MS = 200;
const READ_BYTES = 8 * 1024 * 1024;
const LIMIT_MS = 600_000;

export const consume: Suite = {
  name: "consume",
  title: "From the topic to the file",
  about:
    `\`consume --workers ${WORKERS}\` writes a line a record; \`kafka-consumer-perf-test\` (Kafka's own, one thread, from Kafka's jars) counts records and ` +
    `drops them. ${EVENT_BYTES}-byte records with two headers, 4 partitions. "Per second" is from the start of the process (for Kafka's: from its consumer's, ` +
    'without the start of Java) to the last record; "from the first on" leaves out joining the group. After each run every record is looked for in the file.',
  unit: "record",
  chart: "bars",
  async cases(bench) {
    const records = bench.options.consumeRecords;
    const topic = await bench.kafka.createTopic(4);
    bench.say(`filling a topic with ${records} records`);
    const filled = await publish(bench, bench.trees[0]!, { topic, amount: { records } });
    if (filled.acked !== records) throw new Error(`only ${filled.acked} of ${records} records were acked`);
    const group = `${records} records`;
    const runs: Case[] = bench.trees.map((tree) => {
      const consumption = new Consumption(bench, tree, topic);
      return { group, name: tree.label("consume"), run: () => consumption.run() };
    });
    return [...runs, { group, name: "kafka-consumer-perf-test", run: () => runPerfTest(bench, topic) }];
  },
};

class Consumption {
  readonly #bench: Bench;
  readonly #tree: Tree;
  readonly #topic: string;

  constructor(bench: Bench, tree: Tree, topic: string) {
    this.#bench = bench;
    this.#tree = tree;
    this.#topic = topic;
  }

  async run(): Promise<Run> {
    const { kafka, options, folder } = this.#bench;
    const logFile = join(folder, `consume-${crypto.randomUUID()}.log`);
    const args = [
      ...["--kafka-brokers", kafka.brokers, "--kafka-topic", this.#topic, "--kafka-group", crypto.randomUUID()],
      ...["--workers", `${WORKERS}`, "--log-file", logFile],
    ];
    const kafkaBefore = cpuMs(kafka.pids);
    const startedMs = performance.now();
    const command = [process.execPath, join(this.#tree.folder, "src/consume.ts"), ...args];
    const child = new Child({ name: this.#tree.label("consume"), command });
    const { firstMs, lastMs } = await this.#watch(child, logFile);
    const cpu = [cpuMs([child.pid]), cpuMs(kafka.pids) - kafkaBefore] as const;
    const code = await child.stop();
    const faults = [...(await this.#faults(logFile)), ...(code === 0 ? [] : [`consume ended with ${code}`])];
    rmSync(logFile);
    const records = options.consumeRecords;
    return {
      figures: {
        rate: (records * 1000) / (lastMs - startedMs),
        readingRate: (records * 1000) / (lastMs - firstMs),
        cpuUs: (cpu[0] * 1000) / records,
        ...(kafka.pids.length > 0 && { kafkaCpuUs: (cpu[1] * 1000) / records }),
      },
      faults,
    };
  }

  /** When the file got its first and its last line. Its size tells: a growing file has no event that costs less than looking. */
  async #watch(child: Child, logFile: string): Promise<{ firstMs: number; lastMs: number }> {
    const file = Bun.file(logFile);
    const startedMs = performance.now();
    let [firstMs, lastMs, size, lines, counted] = [0, 0, 0, 0, 0];
    while (lines < this.#bench.options.consumeRecords) {
      await Bun.sleep(POLL_MS);
      const now = performance.now();
      const grown = Bun.file(logFile).size;
      if (grown > size) {
        firstMs ||= now;
        [size, lastMs] = [grown, now];
      }
      if (child.hasEnded || now - startedMs > LIMIT_MS)
        throw new Error(`${child.name} wrote ${lines} lines:\n${child.log}`);
      // It stands still: either all is there, or Kafka is slow. Only now is it worth counting, which costs CPU.
      if (now - lastMs < STANDSTILL_MS) continue;
      for (; counted < size; counted = Math.min(size, counted + READ_BYTES))
        lines += countLines(await file.slice(counted, Math.min(size, counted + READ_BYTES)).bytes());
    }
    return { firstMs, lastMs };
  }

  async #faults(logFile: string): Promise<string[]> {
    const verify = new Child({
      name: "verify",
      command: [
        ...[process.execPath, join(this.#tree.folder, "src/verify.ts"), "--log-file", logFile],
        ...["--kafka-brokers", this.#bench.kafka.brokers, "--complete"],
      ],
    });
    const [verdict, { code }] = await Promise.all([verify.output, verify.ended()]);
    return code === 0 ? [] : [`LOST, or worse; verify says: ${verdict}${verify.log}`];
  }
}

function countLines(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let lines = 0;
  for (let at = buffer.indexOf(10); at !== -1; at = buffer.indexOf(10, at + 1)) lines++;
  return lines;
}

async function runPerfTest(bench: Bench, topic: string): Promise<Run> {
  const { kafka, options, say } = bench;
  const records = options.consumeRecords;
  const kafkaBefore = cpuMs(kafka.pids);
  const child = new Child({
    name: "kafka-consumer-perf-test",
    command: [
      ...(await kafkaTool("org.apache.kafka.tools.ConsumerPerformance", say)),
      ...["--bootstrap-server", kafka.brokers, "--topic", topic, "--num-records", `${records}`, "--hide-header"],
      ...["--timeout", "60000"],
    ],
  });
  const [output, { code, cpuMs: ownMs }] = await Promise.all([child.output, child.ended()]);
  const kafkaCpuMs = cpuMs(kafka.pids) - kafkaBefore;
  const report = readPerfTest(output);
  if (code !== 0 || !report) throw new Error(`kafka-consumer-perf-test ended with ${code}:\n${output}${child.log}`);
  return {
    figures: {
      rate: report.rate,
      readingRate: report.fetchRate,
      cpuUs: (ownMs * 1000) / records,
      ...(kafka.pids.length > 0 && { kafkaCpuUs: (kafkaCpuMs * 1000) / records }),
    },
    faults: report.records >= records ? [] : [`kafka-consumer-perf-test read ${report.records} of ${records}`],
  };
}

/** Its one line: start, end, MB, MB/s, records, records/s, ms of rebalancing, ms of fetching, MB/s and records/s of the fetching. */
export function readPerfTest(output: string): { records: number; rate: number; fetchRate: number } | undefined {
  const line = output.split("\n").find((one) => /^\d{4}-\d\d-\d\d .*(?:, [\d.-]+){7,}$/.test(one.trim()));
  if (line === undefined) return undefined;
  const fields = line.split(",").map((field) => Number(field));
  return { records: fields[4]!, rate: fields[5]!, fetchRate: fields[9]! };
}
