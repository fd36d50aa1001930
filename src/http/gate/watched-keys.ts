/** The key ring of a file, kept up with the file. A new version that cannot be taken is logged, and the keys in force stay. */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Log } from "../../log.ts";
import { UsageError } from "../../options/core.ts";
import { type KeyEntry, parseKeyFile } from "./key-file.ts";
import { KeyRing } from "./key-ring.ts";

/** An editor's save is several events, and the first may find half a file. */
const SETTLE_MS = 100;
/** Where Kubernetes mounts a file, this link beside it is what changes. */
const KUBERNETES_LINK = "..data";

export interface WatchedKeys {
  readonly ring: KeyRing;
  readonly close: () => void;
}

/** Each of `processes` grants its part of the quotas. Rejects with `UsageError` where the file cannot be taken at the start. */
export async function watchKeys(path: string, log: Log, processes = 1): Promise<WatchedKeys> {
  const file = await readKeys(path);
  const ring = new KeyRing(file.keys, processes);
  let text = file.text;
  const reload = async () => {
    try {
      const next = await readKeys(path);
      if (next.text === text) return;
      text = next.text;
      ring.replace(next.keys);
      log.info({ keys: ring.names }, "took the new API keys");
    } catch (cause) {
      // Forgotten, so that the old text put back is said to be taken again.
      text = "";
      log.error({ keys: ring.names }, `the API keys stay as they are: ${(cause as Error).message}`);
    }
  };
  const close = watchFile(path, log, reload);
  // What was written between reading and watching.
  void reload();
  return { ring, close };
}

async function readKeys(path: string): Promise<{ keys: readonly KeyEntry[]; text: string }> {
  let bytes: Uint8Array;
  try {
    bytes = await Bun.file(path).bytes();
  } catch (cause) {
    throw new UsageError(`--api-keys ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
  const file = parseKeyFile(bytes);
  if ("faults" in file) throw new UsageError(`--api-keys ${path}: ${file.faults.join("; ")}`);
  return { keys: file.keys, text: Buffer.from(bytes).toString("latin1") };
}

/** The folder is watched and not the file: editors put a new file in its place, and the watch would stay with the old one. */
function watchFile(path: string, log: Log, onChange: () => Promise<void>): () => void {
  let timer: Timer | undefined;
  const notice = (_: string, name: string | Buffer | null) => {
    if (name !== null && String(name) !== basename(path) && String(name) !== KUBERNETES_LINK) return;
    // Not put off by later events: a file that is written all the time would never be read.
    timer ??= setTimeout(() => {
      timer = undefined;
      void onChange();
    }, SETTLE_MS);
  };
  const failed = (cause: unknown) =>
    log.error({ err: cause }, "changes of the API keys are no longer noticed: start anew to take them");
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), notice);
    watcher.on("error", failed);
  } catch (cause) {
    failed(cause);
  }
  return () => {
    clearTimeout(timer);
    watcher?.close();
  };
}
