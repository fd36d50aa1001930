/** What verify found: counts without bound, places of the first few. */
import type { Stretch } from "./intervals.ts";

export const KINDS = {
  missing: "records of which there is no line",
  duplicated: "lines of a record that has one before",
  out_of_order: "lines of a record behind a later one of its partition",
  damaged: "lines that are not whole, or not as they were written",
  foreign: "lines that are no lines of consume",
  different: "lines that are not what the topic has",
  manifest: "closed files whose manifest is missing or does not hold",
  file: "files that cannot be read",
  checkpoint: "what the checkpoint says and the log does not",
  topic: "a topic that is not the log's",
} as const;

export type Kind = keyof typeof KINDS;

export interface Place {
  readonly kind: Kind;
  readonly detail: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From the file's beginning, before compression. */
  readonly byte?: number;
  readonly partition?: number;
  readonly offsets?: Stretch;
}

const PLACES_MAX = 10;

export class Findings {
  readonly #counts = new Map<Kind, number>();
  readonly places: Place[] = [];

  add(place: Place, count = 1): void {
    const before = this.#places(place.kind);
    this.#counts.set(place.kind, this.count(place.kind) + count);
    if (before < PLACES_MAX) this.places.push(place);
  }

  #places(kind: Kind): number {
    return this.places.filter((place) => place.kind === kind).length;
  }

  count(kind: Kind): number {
    return this.#counts.get(kind) ?? 0;
  }

  get isClean(): boolean {
    return this.#counts.size === 0;
  }

  get counts(): Partial<Record<Kind, number>> {
    return Object.fromEntries(this.#counts);
  }
}
