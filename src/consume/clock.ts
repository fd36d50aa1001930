/** Time as the pool and the writer see it, so that tests can have their own. */
export interface Clock {
  nowMs(): number;
  /** Returns how to call it off. */
  after(delayMs: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
