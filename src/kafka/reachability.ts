/**
 * Whether Kafka can be reached. librdkafka has no event for that, so while no acknowledgement proves it, the cluster is asked.
 *
 * A broker that stands still (its connection open, no answer coming) is no outage while others answer. So where the one that was asked
 * does not answer, all are, and from then on the first that did. Left alone, librdkafka would go on asking the same one.
 */
import type { Admin } from "./admin.ts";

export interface ReachabilityOptions {
  readonly admin: Pick<Admin, "describeCluster">;
  readonly onChange: (isReachable: boolean) => void;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

export class Reachability {
  readonly #options: Required<ReachabilityOptions>;
  #isReachable = false;
  #lastContactAt: number;
  #timer: Timer | undefined;
  /** As of the last answer. */
  #brokers: readonly number[] = [];
  /** The broker to ask; undefined for the controller. */
  #asked: number | undefined;
  #isStopped = false;

  constructor(options: ReachabilityOptions) {
    this.#options = { intervalMs: 250, timeoutMs: 1000, ...options };
    this.#lastContactAt = performance.now();
    this.#probe();
  }

  /** As of the last answer or the last probe. */
  get isReachable(): boolean {
    return this.#isReachable;
  }

  /** How long Kafka has been silent; 0 while it is reachable. Counts from the start until the first contact. */
  get awayMs(): number {
    return this.#isReachable ? 0 : performance.now() - this.#lastContactAt;
  }

  /** Kafka answered something. */
  noteContact(): void {
    this.#lastContactAt = performance.now();
    if (!this.#isReachable) this.#set(true);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #probe(): Promise<void> {
    if (performance.now() - this.#lastContactAt >= this.#options.intervalMs || !this.#isReachable) {
      const askedAt = performance.now();
      try {
        await this.#ask(this.#asked);
      } catch {
        // The admin client's own log lines say why.
        const isAnsweredSince = this.#lastContactAt > askedAt;
        if (!this.#isStopped && this.#isReachable && !isAnsweredSince) this.#set(false);
        await this.#askAll();
      }
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#probe(), this.#options.intervalMs);
  }

  async #ask(broker: number | undefined): Promise<void> {
    const { brokers } = await this.#options.admin.describeCluster(this.#options.timeoutMs, broker);
    if (this.#isStopped) return;
    this.#brokers = brokers.map(({ id }) => id);
    this.noteContact();
  }

  async #askAll(): Promise<void> {
    if (this.#isStopped) return;
    try {
      this.#asked = await Promise.any(this.#brokers.map((broker) => this.#ask(broker).then(() => broker)));
    } catch {
      this.#asked = undefined;
    }
  }

  #set(isReachable: boolean): void {
    this.#isReachable = isReachable;
    this.#options.onChange(isReachable);
  }
}
