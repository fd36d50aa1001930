/** The project's own HTTP load as a process: for what needs no latencies, and where oha may not be at hand. */
import { join } from "node:path";
import { runForJson } from "./child.ts";
import { EVENT_BYTES, eventOf } from "./events.ts";
import type { BenchKafka } from "./kafka.ts";
import type { LoadCount } from "./loops/http-load.ts";
import { serveOf } from "./servers.ts";
import { HERE, PROJECT_FOLDER } from "./trees.ts";

const SCRIPT = "scripts/bench/loops/http-load.ts";
const CONNECTIONS = 64;
const WINDOW_S = 3;
/** Once a window brings less than this over the best before it, more of them would bring nothing. */
const STILL_FASTER = 1.05;

/** Single events over 64 connections to the server at that address. */
export async function loadFor(seconds: number, url: string): Promise<LoadCount> {
  const plan = { url: `${url}/register_event`, connections: CONNECTIONS, seconds, body: eventOf(EVENT_BYTES) };
  const command = [process.execPath, join(PROJECT_FOLDER, SCRIPT), JSON.stringify(plan)];
  return (await runForJson<LoadCount>({ name: SCRIPT, command })).value;
}

/**
 * A broker that has just been started runs several times slower than one that Java has compiled: whoever were measured first would
 * pay for that. Loads it until that makes it no faster, for `windows` times three seconds at the most.
 */
export async function warmUp(kafka: BenchKafka, windows: number, say: (line: string) => void): Promise<void> {
  const topic = await kafka.createTopic(4);
  const { child, url } = await serveOf(HERE).start({ brokers: kafka.brokers, topic });
  const rates: number[] = [];
  while (rates.length < windows) {
    const { statuses, seconds } = await loadFor(WINDOW_S, url);
    const best = Math.max(0, ...rates);
    rates.push((statuses["202"] ?? 0) / seconds);
    if (rates.length > 2 && rates.at(-1)! < best * STILL_FASTER) break;
  }
  await child.stop();
  say(`warmed up: ${rates.map((rate) => Math.round(rate)).join(", ")} events/s`);
}
