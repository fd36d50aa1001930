/** From the POST to the line in the log file, under a steady load that does not wait for answers. */

import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { build } from "hdr-histogram-js";
import { Child } from "../child.ts";
import { cpuMs } from "../cpu.ts";
import { serveOf } from "../servers.ts";
import type { Bench, Run, Suite } from "../suite.ts";
import type { Tree } from "../trees.ts";

const RATE = 2000;
const WARM_UP_S = 2;
const TICK_MS = 1;
const GRACE_MS = 10_000;
const READ_BYTES = 1024 * 1024;

export const latency: Suite = {
  name: "latency",
  title: "From the POST to the line",
  about:
    `${RATE} events a second, one a request, sent at their time whatever became of those before (an open loop), through serve, Kafka and consume with ` +
    "default options. The time of an event is from when it was due to be sent to when its line was seen at the end of the file; both are looked " +
    `at every ${TICK_MS} ms, by the same process. Every event is looked for.`,
  unit: "event",
  chart: "bars",
  cases: (bench) =>
    bench.trees.map((tree) => ({
      group: `${RATE} a second`,
      name: tree.label("serve and consume"),
      run: () => run(bench, tree),
    })),
};

async function run(bench: Bench, tree: Tree): Promise<Run> {
  const { kafka, folder, options } = bench;
  const topic = await kafka.createTopic(4);
  const logFile = join(folder, `latency-${crypto.randomUUID()}.log`);
  const serve = await serveOf(tree).start({ brokers: kafka.brokers, topic });
  const consume = new Child({
    name: tree.label("consume"),
    command: [
      ...[process.execPath, join(tree.folder, "src/consume.ts"), "--kafka-brokers", kafka.brokers],
      ...["--kafka-topic", topic, "--kafka-group", topic, "--log-file", logFile],
    ],
  });
  // By all of its Workers: where one comes first and gets all partitions, the group rests when they are divided.
  const workers = Number((await consume.logged(/"workers":(\d+),.*"msg":"started"/))[1]);
  for (let i = 0; i < workers; i++) await consume.logged(new RegExp(`"worker":${i},.*"msg":"partitions assigned"`));
  const probe = new Probe(serve.url, logFile, options.seconds);
  const used = () => [cpuMs([serve.child.pid]), cpuMs([consume.pid]), cpuMs(kafka.pids)] as const;
  const before = used();
  await probe.run();
  const cpuUs = used().map((ms, index) => ((ms - before[index]!) * 1000) / probe.events);
  const codes = [await serve.child.stop(), await consume.stop()];
  return {
    figures: {
      rate: probe.measuredRate,
      p50Ms: probe.percentileMs(50),
      p99Ms: probe.percentileMs(99),
      cpuUs: cpuUs[0]!,
      consumeCpuUs: cpuUs[1]!,
      ...(kafka.pids.length > 0 && { kafkaCpuUs: cpuUs[2]! }),
    },
    faults: [
      ...probe.faults,
      ...codes.filter((code) => code !== 0).map((code) => `serve or consume ended with ${code}`),
    ],
  };
}

/** Sends, and reads the end of the file, in one loop: so there is one clock, and nothing to be kept in step. */
class Probe {
  readonly events: number;
  readonly #url: string;
  readonly #fd: number;
  /** In µs, up to a minute. */
  readonly #histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  readonly #lines: Uint8Array;
  readonly #others = new Map<string, number>();
  #startMs = 0;
  #sent = 0;
  #answered = 0;
  #seen = 0;
  #lastSeenMs = 0;
  #readTo = 0;
  #rest = "";
  readonly #buffer = Buffer.alloc(READ_BYTES);

  constructor(url: string, logFile: string, seconds: number) {
    this.events = RATE * (WARM_UP_S + seconds);
    this.#lines = new Uint8Array(this.events);
    this.#url = `${url}/register_event`;
    this.#fd = openSync(logFile, "r");
  }

  async run(): Promise<void> {
    this.#startMs = performance.now();
    const endMs = this.#dueMs(this.events) + GRACE_MS;
    while ((this.#seen < this.events || this.#answered < this.events) && performance.now() < endMs) {
      while (this.#sent < this.events && this.#dueMs(this.#sent) <= performance.now()) this.#send(this.#sent++);
      this.#look();
      await Bun.sleep(TICK_MS);
    }
    closeSync(this.#fd);
  }

  #dueMs(index: number): number {
    return this.#startMs + (index * 1000) / RATE;
  }

  #send(index: number): void {
    const body = `{"n":${index},"event_type":"page_view","user_id":"user-${index % 1000}","metadata":{"page":"/pricing"}}`;
    fetch(this.#url, { method: "POST", headers: { "content-type": "application/json" }, body })
      .then(async (response) => {
        await response.text();
        if (response.status !== 202) this.#note(`was answered ${response.status}`);
      })
      .catch((cause) => this.#note(String(cause)))
      .finally(() => this.#answered++);
  }

  #note(what: string): void {
    this.#others.set(what, (this.#others.get(what) ?? 0) + 1);
  }

  #look(): void {
    for (;;) {
      const read = readSync(this.#fd, this.#buffer, 0, READ_BYTES, this.#readTo);
      if (read === 0) return;
      const nowMs = performance.now();
      this.#readTo += read;
      const lines = (this.#rest + this.#buffer.toString("latin1", 0, read)).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line, nowMs);
    }
  }

  #take(line: string, nowMs: number): void {
    const index = Number(/"value":\{"n":(\d+),/.exec(line)?.[1]);
    if (!(index < this.events)) {
      this.#note("is a line that was not sent");
      return;
    }
    if (this.#lines[index] !== 0) {
      this.#note("is in the file twice");
      return;
    }
    this.#lines[index] = 1;
    this.#seen++;
    this.#lastSeenMs = nowMs;
    if (index >= RATE * WARM_UP_S)
      this.#histogram.recordValue(Math.max(1, Math.round((nowMs - this.#dueMs(index)) * 1000)));
  }

  /** Lower than asked for only where something could not keep up. */
  get measuredRate(): number {
    return (this.#seen * 1000) / (this.#lastSeenMs - this.#startMs);
  }

  percentileMs(percentile: number): number {
    return this.#histogram.getValueAtPercentile(percentile) / 1000;
  }

  get faults(): string[] {
    const others = [...this.#others].map(([what, count]) => `${count} times: an event ${what}`);
    return this.#seen === this.events ? others : [`LOST: ${this.events} events, ${this.#seen} lines`, ...others];
  }
}
