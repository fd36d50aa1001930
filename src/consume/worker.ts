/**
 * The Worker thread of a group member. It ends by itself, after a last message that says whether its Kafka client is closed; it
 * is never terminated from outside (the C call it is in would run on, and no `finally` would).
 */
import { parentPort, workerData } from "node:worker_threads";
import { Member } from "./member.ts";
import { WorkerCells, type WorkerMessage, type WorkerStart } from "./worker-messages.ts";

function post(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

function run({ settings, cells }: WorkerStart): string | undefined {
  try {
    const member = new Member(settings, new WorkerCells(cells), {
      send: (sequence, { bytes, runs }) => post({ type: "lines", sequence, bytes, runs }, [bytes.buffer]),
      log: (level, message, fields) => post({ type: "log", level, message, fields }),
    });
    return member.run() ? undefined : "its last offsets could not be committed; what they stand for is read again";
  } catch (cause) {
    return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  }
}

post({ type: "ended", problem: run(workerData as WorkerStart) });
