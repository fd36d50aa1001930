/** Leave for one request, by its key. Handlers ask it about what only they find out: a body's size. */

import type { Refused } from "../../outcome.ts";
import { refused } from "../../outcome.ts";
import { type Answer, type Asker, withHeaders } from "../message.ts";
import { problemAnswer } from "../problem.ts";
import type { ApiKey } from "./key-ring.ts";
import type { Quota } from "./quota.ts";

/** What a grant says no with; whoever hears it returns it, and counts nothing. */
export type Refusal = Answer;

export class Grant {
  readonly #key: ApiKey;
  readonly #count: (refusal: Refused) => void;
  #takenBytes = 0;

  constructor(key: ApiKey, count: (refusal: Refused) => void) {
    this.#key = key;
    this.#count = count;
  }

  takeRequest(): Refusal | undefined {
    const quota = this.#key.requests;
    return quota === undefined || quota.take(1) ? undefined : this.#exceeded(quota, "requests_per_s");
  }

  /**
   * Call it with the body's size as it came over the wire, once that is known; of a size the client announced it has been called
   * already, and does nothing. Only the first call of a request can refuse; what a later one adds is owed.
   */
  takeBytes(bytes: number): Refusal | undefined {
    const quota = this.#key.bytes;
    if (quota === undefined || bytes <= this.#takenBytes) return undefined;
    if (this.#takenBytes > 0) quota.owe(bytes - this.#takenBytes);
    else if (!quota.take(bytes)) return this.#exceeded(quota, "bytes_per_s");
    this.#takenBytes = bytes;
    return undefined;
  }

  refuseTopic(topic: string): Refusal | undefined {
    const { topics, name } = this.#key;
    if (topics === undefined || topics.has(topic)) return undefined;
    const detail = `the key ${JSON.stringify(name)} may not send to the topic ${JSON.stringify(topic)}`;
    this.#count(refused("forbidden_topic", detail));
    return problemAnswer({ code: "forbidden_topic", detail });
  }

  /** A key with two quotas shows the requests', which is the one a client can plan by. */
  withQuota(answer: Answer): Answer {
    const quota = this.#key.requests ?? this.#key.bytes;
    // A handler below may have refused by the other one, and that is then the one to show.
    if (quota === undefined || "ratelimit-limit" in answer.headers) return answer;
    return withHeaders(answer, quotaHeaders(quota));
  }

  /** The asker, told of the quota with its answer. */
  around(asker: Asker): Asker {
    return { answer: (answer) => asker.answer(this.withQuota(answer)), fail: (cause) => asker.fail(cause) };
  }

  #exceeded(quota: Quota, name: "requests_per_s" | "bytes_per_s"): Refusal {
    const what = name === "requests_per_s" ? "requests" : "bytes";
    const each = quota.processes === 1 ? "" : ` through each of ${quota.processes} processes`;
    const detail = `the key ${JSON.stringify(this.#key.name)} may send ${quota.perSecond} ${what} a second${each}`;
    this.#count(refused("quota_exceeded", detail));
    return problemAnswer(
      { code: "quota_exceeded", detail, limit: { name, max: quota.perSecond } },
      { "retry-after": String(quota.retryAfterSeconds), ...quotaHeaders(quota) },
    );
  }
}

function quotaHeaders(quota: Quota): Record<string, string> {
  const { limit, remaining, resetSeconds } = quota.state;
  return {
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(resetSeconds),
  };
}
