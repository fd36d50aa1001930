/**
 * What a benchmark leaves behind if nobody clears it away: processes, folders, work trees. What is entered here is undone when the
 * process ends, whichever way (SIGKILL apart), so it must be possible without waiting.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const duties = new Set<() => void>();

/** Returns what does it now. */
export function atEnd(duty: () => void): () => void {
  const once = () => {
    if (duties.delete(duty)) duty();
  };
  duties.add(duty);
  return once;
}

process.on("exit", () => {
  for (const duty of [...duties].reverse()) {
    try {
      duty();
    } catch (cause) {
      process.stderr.write(`bench: ${String(cause)}\n`);
    }
  }
});

/** Ends the process on a signal, by way of what stands above. */
export function endOnSignal(whenRequested: Promise<NodeJS.Signals>): void {
  void whenRequested.then((signal) => process.exit(128 + constants.signals[signal]));
}

export interface TemporaryFolder {
  readonly path: string;
  readonly remove: () => void;
}

export function temporaryFolder(name: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `sluice-bench-${name}-`));
  return { path, remove: atEnd(() => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })) };
}
