/** A group member with a handler: between the records that were read and their lines stands the user's own function. */
import type { KafkaLog, RecordBatch } from "../kafka/index.ts";
import { Graveyard } from "./graveyard.ts";
import { type HandlerRecord, loadHandler } from "./handler.ts";
import { type HandlerCounts, HandlerRunner, HandlingStopped } from "./handler-runner.ts";
import { Member, type MemberHooks } from "./member.ts";
import type { HandlerSettings, WorkerCells, WorkerSettings } from "./worker-messages.ts";

/** How often a stop is looked for while the handler works, and how long the call under way may go on after it. */
const LOOK_MS = 50;
const STOP_PATIENCE_MS = 5000;

export const HandlingMember = {
  /** As `Member.run`. Rejects where the handler's file is none, or the member cannot go on. */
  async run(
    settings: WorkerSettings & { readonly handler: HandlerSettings },
    cells: WorkerCells,
    hooks: MemberHooks,
    onHandled: (counts: HandlerCounts) => void,
  ): Promise<boolean> {
    const { handler: limits, brokers, properties, topic } = settings;
    const graveyard = new Graveyard({ brokers, properties, topic: limits.deadLetterTopic, log: hooks.log });
    const runner: HandlerRunner = new HandlerRunner({
      ...limits,
      handler: await loadHandler(limits.file),
      bury: (record, error, attempts) => graveyard.bury(record, error, attempts),
      log: hooks.log,
    });
    guardThread(runner, hooks.log);
    const told: HandlerCounts = { handled: 0, retries: 0, deadLettered: 0 };
    const tell = () => {
      const { handled, retries, deadLettered } = runner.counts;
      onHandled({
        handled: handled - told.handled,
        retries: retries - told.retries,
        deadLettered: deadLettered - told.deadLettered,
      });
      Object.assign(told, runner.counts);
    };
    try {
      return await new Member(settings, cells, hooks).runHandling(async (batch) => {
        const watch = watchForStop(cells, runner);
        try {
          await runner.run(recordsOf(batch, topic));
          return true;
        } catch (cause) {
          if (!(cause instanceof HandlingStopped)) throw cause;
          const said = "the handler was not done in time; the next start hands its records over again";
          hooks.log("warn", said, { records: batch.count });
          return false;
        } finally {
          clearInterval(watch);
          tell();
        }
      });
    } finally {
      await graveyard.close();
    }
  },
};

/**
 * What a handler leaves behind (a promise that it did not await, a throw in a timer) must not end the thread: its Kafka client would go
 * on as a member of the group, and keep partitions that nobody reads.
 */
function guardThread(runner: HandlerRunner, log: KafkaLog): void {
  const onUncaught = (cause: unknown) => {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    if (runner.fail(error)) return;
    log("error", "the handler's file has an error that nothing caught", { error: `${error.name}: ${error.message}` });
  };
  process.on("uncaughtException", onUncaught);
  process.on("unhandledRejection", onUncaught);
  process.exit = () => {
    throw new Error("process.exit() is not a handler's to call");
  };
}

/** A stop is a shared cell: nothing wakes the event loop for it. */
function watchForStop(cells: WorkerCells, runner: HandlerRunner): Timer {
  let stopSeenAt: number | undefined;
  return setInterval(() => {
    if (!cells.isStopRequested) return;
    stopSeenAt ??= performance.now();
    if (cells.isAbandoned || performance.now() - stopSeenAt > STOP_PATIENCE_MS) runner.stop();
  }, LOOK_MS);
}

const decoder = new TextDecoder();

function recordsOf(batch: RecordBatch, topic: string): HandlerRecord[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const value = batch.readValue(i);
    const text = () => (value === null ? "" : decoder.decode(value));
    return {
      topic,
      partition: batch.partition(i),
      offset: batch.offset(i),
      timestampMs: Number(batch.timestampMs(i)),
      key: batch.readKey(i),
      value,
      headers: batch.readHeaders(i),
      text,
      json: () => JSON.parse(text()),
    };
  });
}
