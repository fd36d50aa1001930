/**
 * `bun run bench --guard`, for CI: serve's rate of single durable events beside that of a bare Bun server that only parses the body, in
 * turn on the same machine. A ratio in one run, because an absolute figure says as much about the machine as about the code.
 */
import type { benchOptions } from "../../src/options/bench.ts";
import type { Values } from "../../src/options/core.ts";
import { keepingFaults } from "./http-run.ts";
import { type BenchKafka, startKafka } from "./kafka.ts";
import { loadFor, warmUp } from "./load-loop.ts";
import { BASELINES, type ServerKind, serveOf } from "./servers.ts";
import { median } from "./statistics.ts";
import { HERE } from "./trees.ts";

/** See docs/PERFORMANCE.md for what is usual; well below half of it, so that a noisy neighbour is no failure. */
const LOWEST_RATIO = 0.1;
const ROUNDS = 3;
const SECONDS = 2;
const WARM_UP_S = 1;
/** The whole must take less than a minute. */
const BROKER_WINDOWS = 5;

export async function guard(options: Values<typeof benchOptions>, say: (line: string) => void): Promise<number> {
  const kafka = await startKafka(options.kafkaBrokers, say);
  await warmUp(kafka, BROKER_WINDOWS, say);
  const kinds = [serveOf(HERE), BASELINES.bare];
  const rates = kinds.map(() => [] as number[]);
  const faults: string[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [index, kind] of kinds.entries()) {
      const { rate, fault } = await measure(kind, kafka);
      rates[index]!.push(rate);
      if (fault !== undefined) faults.push(`${kind.label}: ${fault}`);
      say(`guard ${round}/${ROUNDS}: ${kind.label} ${Math.round(rate)} events/s`);
    }
  }
  await kafka.stop();
  const ratio = median(rates[0]!) / median(rates[1]!);
  if (ratio < LOWEST_RATIO)
    faults.push(
      `serve is too slow: ${ratio.toFixed(2)} of a bare server's rate, at least ${LOWEST_RATIO} is asked for`,
    );
  for (const fault of faults) say(`FAULT ${fault}`);
  say(
    `guard: serve makes ${ratio.toFixed(2)} of a bare server's rate (at least ${LOWEST_RATIO}): ${faults.length === 0 ? "PASSED" : "FAILED"}`,
  );
  return faults.length === 0 ? 0 : 1;
}

async function measure(kind: ServerKind, kafka: BenchKafka): Promise<{ rate: number; fault: string | undefined }> {
  const topic = await kafka.createTopic(4);
  const { child, url } = await kind.start({ brokers: kafka.brokers, topic });
  await loadFor(WARM_UP_S, url);
  const before = kind.keepsEvents ? await kafka.records(topic) : 0;
  const count = await loadFor(SECONDS, url);
  const after = kind.keepsEvents ? await kafka.records(topic) : 0;
  const code = await child.stop();
  const taken = count.statuses["202"] ?? 0;
  const others = Object.entries(count.statuses).filter(([status]) => status !== "202");
  const report = { ...count, errors: {}, p50Ms: 0, p99Ms: 0 };
  const lost = kind.keepsEvents ? keepingFaults(report, { eventsPerRequest: 1 }, { before, after })[0] : undefined;
  const ending = kind.goodExits.includes(code) ? undefined : `ended with ${code}`;
  const answered = others.length === 0 ? undefined : `was answered otherwise: ${JSON.stringify(others)}`;
  return { rate: taken / count.seconds, fault: lost ?? answered ?? ending };
}
