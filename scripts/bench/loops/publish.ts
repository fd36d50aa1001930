/**
 * Publishes without pause, and prints what became of it as JSON. A process of its own, for the suites publish and consume: its one
 * argument is the plan, as JSON, with the folder of the sources whose producer is measured.
 */
import { join } from "node:path";
import { BATCH_EVENTS, EVENT_BYTES, eventOf } from "../events.ts";
import type { PublishReport } from "../suites/publish.ts";

interface Plan {
  readonly folder: string;
  readonly brokers: string;
  readonly topic: string;
  readonly seconds?: number;
  readonly records?: number;
}

const IN_FLIGHT_MAX = 100_000;
const WARM_UP_S = 1;

const plan = JSON.parse(process.argv[2] ?? "{}") as Plan;
const kafka = (await import(join(plan.folder, "src/kafka/index.ts"))) as typeof import("../../../src/kafka/index.ts");
const producer = new kafka.Producer({
  config: kafka.producerConfig({
    brokers: plan.brokers,
    deliveryTimeoutMs: 30_000,
    maxRecordBytes: 1_000_000,
    maxQueuedRecords: IN_FLIGHT_MAX * 2,
    maxQueuedBytes: 512 * 1024 * 1024,
  }),
  log: (level, message, fields) => {
    if (level === "error" || level === "warn") process.stderr.write(`${message} ${JSON.stringify(fields ?? {})}\n`);
  },
});

/** As serve makes them: an id of its own and the time, for each record. */
const values = Array.from({ length: BATCH_EVENTS }, (_, index) => Buffer.from(eventOf(EVENT_BYTES, index)));
function makeBatch(size: number) {
  const receivedAt = String(Date.now());
  return values.slice(0, size).map((value) => ({
    topic: plan.topic,
    key: null,
    value,
    headers: [
      ["id", Bun.randomUUIDv7()],
      ["received_at_ms", receivedAt],
    ] as const,
  }));
}

let acked = 0;
let refused = 0;
let sent = 0;
let wake = () => {};
function settle(_: unknown, outcome: { readonly status: string }): void {
  if (outcome.status === "acked") acked++;
  else refused++;
  wake();
}

/** Keeps the queue full until it is time to stop. */
async function publishUntil(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    if (producer.pending + BATCH_EVENTS > IN_FLIGHT_MAX) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    const size = Math.min(BATCH_EVENTS, (plan.records ?? Number.POSITIVE_INFINITY) - sent);
    producer.publish(makeBatch(size), settle);
    sent += size;
    // The event loop's turn: reports come in between.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const endsAt = (seconds: number) => {
  const end = performance.now() + seconds * 1000;
  return () => performance.now() >= end;
};
if (plan.records === undefined) await publishUntil(endsAt(WARM_UP_S));
const start = { acked, at: performance.now(), cpu: process.cpuUsage() };
const { records, seconds = 5 } = plan;
await publishUntil(records === undefined ? endsAt(seconds) : () => sent >= records);
const [ackedInTime, elapsedS, cpu] = [
  acked - start.acked,
  (performance.now() - start.at) / 1000,
  process.cpuUsage(start.cpu),
];
while (producer.pending > 0) await new Promise<void>((resolve) => (wake = resolve));
const report: PublishReport = { acked, refused, ackedInTime, seconds: elapsedS, cpuMs: (cpu.user + cpu.system) / 1000 };
await producer.close(10_000);
await Bun.write(Bun.stdout, JSON.stringify(report));
process.exit(0);
