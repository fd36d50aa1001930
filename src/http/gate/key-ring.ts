/** The keys in force, found by what a client sent. A new set replaces the old one in one step; quotas that did not change go on. */
import { timingSafeEqual } from "node:crypto";
import type { KeyEntry } from "./key-file.ts";
import { Quota } from "./quota.ts";

export interface ApiKey {
  readonly name: string;
  readonly digest: Uint8Array;
  readonly requests: Quota | undefined;
  readonly bytes: Quota | undefined;
  /** Undefined allows all. */
  readonly topics: ReadonlySet<string> | undefined;
}

export class KeyRing {
  #keys: readonly ApiKey[] = [];
  /** Quotas are divided among so many, of which this is one. */
  readonly processes: number;

  constructor(entries: readonly KeyEntry[], processes = 1) {
    this.processes = processes;
    this.replace(entries);
  }

  get names(): string[] {
    return this.#keys.map(({ name }) => name);
  }

  replace(entries: readonly KeyEntry[]): void {
    const before = new Map(this.#keys.map((key) => [hex(key.digest), key]));
    this.#keys = entries.map((entry) => {
      const digest = new Uint8Array(Buffer.from(entry.sha256, "hex"));
      const old = before.get(hex(digest));
      return {
        name: entry.name,
        digest,
        requests: this.#quota(entry.requests_per_s, old?.requests),
        bytes: this.#quota(entry.bytes_per_s, old?.bytes),
        topics: entry.topics && new Set(entry.topics),
      };
    });
  }

  /** The old one where the rate is the same: else writing the file anew would fill every bucket. */
  #quota(ofAll: number | undefined, old: Quota | undefined): Quota | undefined {
    if (ofAll === undefined) return undefined;
    const perSecond = ofAll / this.processes;
    return old?.perSecond === perSecond ? old : new Quota(perSecond, this.processes);
  }

  /**
   * Always compares with every key, and each time all of it, so that the time an answer takes tells nothing of how near a guess came.
   * A plain SHA-256 does where a key is random and long; it would not for a password.
   */
  find(presented: string): ApiKey | undefined {
    const digest = Bun.SHA256.hash(presented) as Uint8Array;
    let found: ApiKey | undefined;
    for (const key of this.#keys) {
      if (timingSafeEqual(digest, key.digest)) found = key;
    }
    return found;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
