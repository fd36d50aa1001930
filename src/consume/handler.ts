/**
 * What `--handler FILE.ts` is: a file whose default export is called with the records that were read, batch by batch, on the Worker
 * that read them. Records are handled at least once: what was handled and not committed when a process ended is handled again.
 *
 *   import type { Handler } from (this file);
 *   const handle: Handler = async (records, signal) => { … };
 *   export default handle;
 */

export interface HandlerRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Kafka's, ms since 1970; -1 where the record has none. */
  readonly timestampMs: number;
  /** The record's bytes, the handler's own; null where there are none. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** In the record's order; a name may be there more than once. */
  readonly headers: readonly (readonly [name: string, value: Uint8Array | null])[];
  /** The value as text; empty where there is none. */
  text(): string;
  /** The value parsed as JSON. Throws where it is none. */
  json(): unknown;
}

/**
 * Called with at least one record; of each partition they are in order. What it throws (or rejects with) makes the batch be tried again,
 * and then record by record. `signal` is aborted when the time for the call is over, or the process ends; the call itself cannot be
 * stopped.
 */
export type Handler = (records: readonly HandlerRecord[], signal: AbortSignal) => void | Promise<void>;

/** The file is no handler: a sentence for whoever named it. */
export class HandlerFileError extends Error {
  override readonly name = "HandlerFileError";
}

/** `path` is absolute. Rejects with `HandlerFileError`. */
export async function loadHandler(path: string): Promise<Handler> {
  let module: { readonly default?: unknown };
  try {
    module = await import(path);
  } catch (cause) {
    throw new HandlerFileError(`cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof module.default !== "function") throw new HandlerFileError("its default export must be a function");
  return module.default as Handler;
}
