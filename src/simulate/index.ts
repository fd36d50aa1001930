/**
 * The simulator: makes seeded events, posts each to serve on its own, and sums up what became of them. `simulate` always returns
 * a summary, whatever the network does; it ends early when asked to stop, or when nothing accepts its connections.
 */

import { systemClock } from "../clock.ts";
import { UsageError, type Values } from "../options/core.ts";
import type { simulateOptions } from "../options/simulate.ts";
import { createEventSource } from "./events.ts";
import { Load } from "./load.ts";
import { showProgress } from "./progress.ts";
import { type Summary, summarize } from "./report.ts";
import { createSender, type Sender } from "./sender.ts";
import { Tally } from "./tally.ts";

export { createEventSource, eventId } from "./events.ts";
export { endingText, isAllAcked, type Summary, summaryText } from "./report.ts";

type SimulateOptions = Values<typeof simulateOptions>;

/** How long answers are still waited for after a stop was asked for. */
const STOP_GRACE_MS = 2_000;
/** What Bun's fetch sends at once where BUN_CONFIG_MAX_HTTP_REQUESTS, which it reads when the process starts, says nothing else. */
const BUN_MAX_REQUESTS = 256;
const QUIET_LEVELS: readonly string[] = ["fatal", "error", "warn", "silent"];

export async function simulate(
  options: SimulateOptions,
  stop: { readonly whenRequested: Promise<unknown> },
): Promise<Summary> {
  checkConcurrency(options.concurrency, process.env.BUN_CONFIG_MAX_HTTP_REQUESTS);
  const target = eventTarget(options.url);
  const seed = options.seed ?? drawSeed();
  const plan = { events: options.events, concurrency: options.concurrency, ratePerS: options.rate };
  const tally = new Tally();
  const sender = createSender(target, options.requestTimeoutMs, options.apiKey);
  const load = new Load(plan, { source: createEventSource(seed), post: sender.post, clock: systemClock, tally });
  const progress = QUIET_LEVELS.includes(options.logLevel)
    ? undefined
    : showProgress(process.stderr, plan.events, tally);
  const startedUnixMs = performance.timeOrigin + performance.now();
  try {
    const stopper = stopLoad(load, sender, stop.whenRequested);
    await load.run();
    stopper.cancel();
  } finally {
    progress?.stop();
    sender.close();
  }
  const { ending, connectFailure, elapsedMs, lastAckMs } = load;
  return summarize(
    { url: target.href, seed, ...plan, ending, connectFailure, startedUnixMs, elapsedMs, lastAckMs },
    tally,
  );
}

/** On a stop: sends nothing more at once, and breaks off what has no answer when the grace is over. */
function stopLoad(load: Load, sender: Sender, whenRequested: Promise<unknown>): { cancel(): void } {
  let isOver = false;
  let cancelGrace = () => {};
  void whenRequested.then(() => {
    if (isOver) return;
    load.stop();
    cancelGrace = systemClock.after(STOP_GRACE_MS, () => sender.abortAll("interrupted"));
  });
  return {
    cancel() {
      isOver = true;
      cancelGrace();
    },
  };
}

/** Past Bun's limit, requests would queue inside fetch, and the time there would look like the service's. */
export function checkConcurrency(concurrency: number, configured: string | undefined): void {
  const limit = Number(configured) > 0 ? Number(configured) : BUN_MAX_REQUESTS;
  if (concurrency <= limit) return;
  throw new UsageError(
    `--concurrency must be at most ${limit}, not "${concurrency}": Bun's fetch sends no more at once. ` +
      `Set BUN_CONFIG_MAX_HTTP_REQUESTS=${concurrency} in the environment for more`,
  );
}

/** Where events go: `/register_event` under the address; a query is kept, a user's name and password are not. */
export function eventTarget(address: string): URL {
  const url = new URL(address);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/register_event`;
  url.hash = url.username = url.password = "";
  return url;
}

function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
