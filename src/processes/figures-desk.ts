/** Collects figures from all processes. One that does not answer in time is left out. */
import type { Clock } from "../clock.ts";
import type { Figures } from "./messages.ts";
import type { Process } from "./process.ts";

type Asked = Pick<Process, "send">;

interface Collection {
  readonly missing: Set<Asked>;
  readonly figures: Figures[];
  readonly end: () => void;
}

const TIMEOUT_MS = 1000;

export class FiguresDesk {
  readonly #clock: Clock;
  readonly #collections = new Map<number, Collection>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async collect(processes: readonly Asked[]): Promise<readonly Figures[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const id = ++this.#lastId;
    const collection: Collection = { missing: new Set(processes), figures: [], end: resolve };
    this.#collections.set(id, collection);
    for (const process of processes) process.send({ type: "ask_figures", id });
    const cancel = this.#clock.after(TIMEOUT_MS, resolve);
    await promise;
    cancel();
    this.#collections.delete(id);
    return collection.figures;
  }

  onFigures(from: Asked, { id, figures }: { readonly id: number; readonly figures: Figures }): void {
    const collection = this.#collections.get(id);
    if (!collection?.missing.has(from)) return;
    collection.figures.push(figures);
    this.#without(collection, from);
  }

  onEnd(of: Asked): void {
    for (const collection of this.#collections.values()) this.#without(collection, of);
  }

  #without(collection: Collection, from: Asked): void {
    collection.missing.delete(from);
    if (collection.missing.size === 0) collection.end();
  }
}
