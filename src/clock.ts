/** Time, as what waits or measures sees it; a test brings its own. */
export interface Clock {
  /** Milliseconds with fractions, from any fixed point; never goes back. */
  nowMs(): number;
  /** Calls back once, `delayMs` from now or a little later; the answer cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

let now: number | undefined;

function forget(): void {
  now = undefined;
}

/** In ms on the monotonic clock, as of this turn of the event loop: where thousands of events a turn are stamped, one look will do. */
export function turnMs(): number {
  if (now === undefined) {
    now = performance.now();
    setImmediate(forget);
  }
  return now;
}
