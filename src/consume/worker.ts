/**
 * The Worker thread of a group member. It ends by itself, after a last message that says whether its Kafka client is closed; it
 * is never terminated from outside (the C call it is in would run on, and no `finally` would).
 */
import { parentPort, workerData } from "node:worker_threads";
import { HandlingMember } from "./handling-member.ts";
import { Member, type MemberHooks } from "./member.ts";
import { WorkerCells, type WorkerMessage, type WorkerStart } from "./worker-messages.ts";

function post(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

const hooks: MemberHooks = {
  ready: () => post({ type: "ready" }),
  send: (sequence, { bytes, runs }) => post({ type: "lines", sequence, bytes, runs }, [bytes.buffer]),
  log: (level, message, fields) => post({ type: "log", level, message, fields }),
};

/** Without a handler nothing is ever awaited: the thread may wait in C. */
async function run({ settings, cells }: WorkerStart): Promise<string | undefined> {
  try {
    const { handler } = settings;
    const shared = new WorkerCells(cells);
    const isCommitted =
      handler === undefined
        ? new Member(settings, shared, hooks).run()
        : await HandlingMember.run({ ...settings, handler }, shared, hooks, (counts) =>
            post({ type: "handled", ...counts }),
          );
    return isCommitted ? undefined : "its last offsets could not be committed; what they stand for is read again";
  } catch (cause) {
    return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  }
}

// Before a handler is loaded, which may not call it.
const exit = process.exit.bind(process);
const start = workerData as WorkerStart;
post({ type: "ended", problem: await run(start) });
// What a handler has left open (a connection, a timer) would keep the thread.
if (start.settings.handler !== undefined) exit(0);
