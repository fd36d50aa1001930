/**
 * What a key may send a second, as a token bucket: it holds one second's worth, at least one, starts full and fills steadily.
 *
 * The bucket is `limiter`'s: in memory and synchronous, so that no request is let in between a look and a take, and its balance is
 * open, which the debt below needs. `rate-limiter-flexible` answers by promises (one a request, on the hot path) and counts in fixed
 * windows, in which two seconds' worth can come at once.
 */
import { TokenBucket } from "limiter";

/** As the RateLimit headers have it. */
export interface QuotaState {
  /** The most that can come at once. */
  readonly limit: number;
  readonly remaining: number;
  /** Until the bucket is full. */
  readonly resetSeconds: number;
}

export class Quota {
  readonly perSecond: number;
  /** So many processes have one like this for the same key. */
  readonly processes: number;
  readonly #bucket: TokenBucket;

  constructor(perSecond: number, processes = 1) {
    this.perSecond = perSecond;
    this.processes = processes;
    this.#bucket = new TokenBucket({
      bucketSize: Math.max(1, perSecond),
      tokensPerInterval: perSecond,
      interval: "second",
    });
    this.#bucket.content = this.#bucket.bucketSize;
  }

  /**
   * Whether `tokens` may pass now. They may while there is at least one in the bucket, and what is missing becomes a debt that has to
   * fill up first. So the rate holds in the long run, and a body larger than the bucket passes as soon as any other would: asking for
   * all of its bytes beforehand, it would never, and asking for a full bucket, not as long as smaller ones keep coming.
   */
  take(tokens: number): boolean {
    if (tokens <= 0) return true;
    if (!this.#bucket.tryRemoveTokens(1)) return false;
    this.#bucket.content -= tokens - 1;
    return true;
  }

  /** Takes without asking: for the rest of what has been let in. */
  owe(tokens: number): void {
    this.#bucket.content -= tokens;
  }

  /** Whole seconds after which `take` succeeds, if nobody else takes meanwhile; at least 1. */
  get retryAfterSeconds(): number {
    return Math.max(1, Math.ceil(this.#bucket.getWaitTime(1) / 1000));
  }

  get state(): QuotaState {
    this.#bucket.drip();
    const { bucketSize, content } = this.#bucket;
    return {
      limit: Math.floor(bucketSize),
      remaining: Math.max(0, Math.floor(content)),
      resetSeconds: Math.ceil((bucketSize - content) / this.perSecond),
    };
  }
}
