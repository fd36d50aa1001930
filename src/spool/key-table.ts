/**
 * How many events of each key are in the spool, in a table of fixed size: keys share a place by their hash. So `holds` may say yes for a
 * key that has none, never no for one that has some.
 */
const PLACES = 65_536;

export class KeyTable {
  readonly counts: Uint32Array<ArrayBuffer>;

  constructor(counts = new Uint32Array(new ArrayBuffer(PLACES * Uint32Array.BYTES_PER_ELEMENT))) {
    this.counts = counts;
  }

  add(topic: string, key: string | null): void {
    if (key !== null) this.counts[placeOf(topic, key)]!++;
  }

  remove(topic: string, key: string | null): void {
    if (key !== null) this.counts[placeOf(topic, key)]!--;
  }

  /** Events without a key have no order to keep. */
  holds(topic: string, key: string | null): boolean {
    return key !== null && this.counts[placeOf(topic, key)]! > 0;
  }
}

function placeOf(topic: string, key: string): number {
  return Bun.hash.xxHash32(`${topic}\0${key}`) % PLACES;
}
