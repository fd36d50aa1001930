/**
 * The end of serve: load balancers get time to look elsewhere; intake stops, and what still comes is refused in words, with the wish
 * that the connection end; every request in hand gets its true answer; the listener goes. All within the drain timeout. What Kafka has
 * not taken shortly before that is given up: unknown where it was sent; where it was not, it goes to the spool, or is refused.
 */
import type { Listening } from "../http/index.ts";
import type { DeadLetters, Filed, Ingest } from "../ingest/index.ts";
import type { Log } from "../log.ts";
import type { Spool } from "../spool/index.ts";

export interface DrainParts {
  readonly ingest: Ingest;
  readonly filed: Filed;
  readonly deadLetters: DeadLetters | undefined;
  readonly spool: Spool | undefined;
  readonly server: Pick<Listening, "stop">;
  readonly kafka: { readonly close: () => Promise<void> };
  readonly options: { readonly drainDelayMs: number; readonly drainTimeoutMs: number };
  readonly log: Log;
  readonly signal: NodeJS.Signals;
}

/** For what was given up to get its outcome, and for the answers to leave. */
const GIVE_UP_MS = 3000;
/**
 * How long connections stay open at least, once answers ask for their end: what a client had sent before it could know is still read
 * and answered, and not cut off unread.
 */
const LAST_REQUESTS_MS = 200;

/** Resolves to how many events were given up. */
export async function drain({ ingest, filed, deadLetters, spool, server, kafka, options, log, signal }: DrainParts) {
  const { drainDelayMs, drainTimeoutMs } = options;
  if (drainDelayMs > 0) {
    log.info({ signal, drain_delay_ms: drainDelayMs }, "stopping: /readyz says so; events are still taken");
    await Bun.sleep(drainDelayMs);
  }
  log.info({ signal, ...ingest.fill }, "stopping: no new events; what waits is answered first");
  const deadline = performance.now() + drainTimeoutMs;
  const patienceMs = Math.max(drainTimeoutMs / 2, drainTimeoutMs - GIVE_UP_MS);
  const drained = Promise.all([ingest.drain().then(() => filed.whenIdle), deadLetters?.whenIdle]);
  void spool?.stopDraining();
  await Promise.race([Promise.all([drained, Bun.sleep(LAST_REQUESTS_MS)]), Bun.sleep(patienceMs)]);
  const stopped = server.stop(Math.max(0, deadline - performance.now()));
  const givenUp = ingest.fill.pendingEvents;
  const rest = spool ? "what was never sent goes to the spool" : "the rest is given up";
  if (givenUp > 0) log.error({ events: givenUp }, `Kafka has not taken everything in time; ${rest}`);
  const spooledBefore = ingest.counts.spooled;
  filed.close();
  const ended = Promise.all([kafka.close(), ingest.drain(), stopped]).then(() => spool?.close());
  await Promise.race([ended, Bun.sleep(Math.max(0, deadline - performance.now()))]);
  ingest.stop();
  return { given_up_events: givenUp - (ingest.counts.spooled - spooledBefore), spooled_events: spool?.fill.events };
}
