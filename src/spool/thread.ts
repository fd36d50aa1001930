/** The spool's thread as serve's thread sees it: requests as promises, which reject where the thread says no, or has died. */
import { mkdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { pack, type SpoolReply, type SpoolRequest, unpack } from "./messages.ts";
import type { StoredRecord } from "./record.ts";
import { type Found, SpoolError } from "./store.ts";

const WORKER = new URL("./worker.ts", import.meta.url);

type Without<T> = T extends { readonly id: number } ? Omit<T, "id"> : never;

interface Waiting {
  readonly resolve: (reply: SpoolReply) => void;
  readonly reject: (cause: Error) => void;
}

export class SpoolThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #opened = Promise.withResolvers<Found>();
  readonly #died = Promise.withResolvers<string>();
  #lastId = 0;
  #death: string | undefined;

  private constructor(folder: string) {
    this.#worker = new Worker(WORKER, { workerData: { folder } });
    this.#worker.on("message", (reply: SpoolReply) => this.#onReply(reply));
    this.#worker.on("error", (cause: unknown) => this.#die(cause instanceof Error ? cause.message : String(cause)));
    this.#worker.on("exit", (code) => this.#die(`exit code ${code}`));
  }

  /** Rejects with `SpoolError`. */
  static async open(folder: string): Promise<{ thread: SpoolThread; found: Found }> {
    try {
      mkdirSync(folder, { recursive: true });
    } catch (cause) {
      throw new SpoolError(`the spool folder ${folder} cannot be made: ${(cause as Error).message}`);
    }
    const thread = new SpoolThread(folder);
    return { thread, found: await thread.#opened.promise };
  }

  /** Resolves with the reason when the thread has ended. */
  get died(): Promise<string> {
    return this.#died.promise;
  }

  #onReply(reply: SpoolReply): void {
    if (reply.type === "opened") this.#opened.resolve(reply.found);
    else if (reply.type === "not_opened") this.#opened.reject(new SpoolError(reply.error));
    else {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.type === "failed") waiting?.reject(new Error(reply.error));
      else waiting?.resolve(reply);
    }
  }

  #die(reason: string): void {
    if (this.#death !== undefined) return;
    this.#death = reason;
    this.#opened.reject(new SpoolError(`the spool's thread ended: ${reason}`));
    for (const { reject } of this.#waiting.values()) reject(new Error(`the spool's thread ended: ${reason}`));
    this.#waiting.clear();
    this.#died.resolve(reason);
  }

  #ask(request: Without<SpoolRequest>, transfer: ArrayBuffer[] = []): Promise<SpoolReply> {
    if (this.#death !== undefined) return Promise.reject(new Error(`the spool's thread ended: ${this.#death}`));
    const { promise, resolve, reject } = Promise.withResolvers<SpoolReply>();
    const id = ++this.#lastId;
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ ...request, id }, transfer);
    return promise;
  }

  async put(records: readonly StoredRecord[]): Promise<void> {
    const packed = pack(records);
    await this.#ask({ type: "put", ...packed }, [packed.values.buffer]);
  }

  async read(after: number, maxEvents: number, maxBytes: number): Promise<StoredRecord[]> {
    const reply = await this.#ask({ type: "read", after, maxEvents, maxBytes });
    return reply.type === "records" ? unpack(reply) : [];
  }

  async remove(
    sequences: readonly number[],
    rejected: readonly { readonly sequence: number; readonly reason: string }[],
  ): Promise<void> {
    await this.#ask({ type: "remove", sequences, rejected });
  }

  async close(isSettled: boolean): Promise<void> {
    await this.#ask({ type: "close", isSettled });
    await this.died;
  }
}
