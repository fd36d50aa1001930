/** How long acknowledgements took, as the buckets of a Prometheus histogram. On every event's way: no library call, no object. */

/** Upper bounds, in ms. */
export const LATENCY_BOUNDS_MS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

export class Latency {
  /** By bucket, not cumulative; the last is for what is above every bound. */
  readonly counts = new Float64Array(new ArrayBuffer((LATENCY_BOUNDS_MS.length + 1) * Float64Array.BYTES_PER_ELEMENT));
  sumMs = 0;

  note(ms: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_MS.length && ms > LATENCY_BOUNDS_MS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sumMs += ms;
  }
}
