/**
 * Events that their schema refuses, kept for whoever mends them: published to a topic of their own with the reason as headers. Nobody
 * waits for them, so what is under way is bounded, and what does not fit or fails is counted and said.
 */
import type { Log } from "../log.ts";
import type { Outcome } from "../outcome.ts";
import { type AcceptedEvent, eventBytes, PendingEvent, type RecordHeader } from "./event.ts";

export interface DeadLetterReason {
  readonly code: string;
  readonly detail: string;
  readonly pointer?: string;
  readonly rule?: string;
}

export interface DeadLettersOptions {
  readonly topic: string;
  readonly publish: (batch: readonly PendingEvent[], settle: (event: PendingEvent, outcome: Outcome) => void) => void;
  readonly log: Log;
  readonly maxEvents?: number;
  readonly maxBytes?: number;
}

const MAX_EVENTS = 10_000;
const MAX_BYTES = 32_000_000;
const REPORT_INTERVAL_MS = 1000;
const NOBODY = { receive: () => {} };

export class DeadLetters {
  readonly #options: DeadLettersOptions;
  #events = 0;
  #bytes = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #idle: PromiseWithResolvers<void> | undefined;
  readonly counts = { published: 0, failed: 0, dropped: 0 };

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** `event` is what would have been published. */
  add(event: AcceptedEvent, reason: DeadLetterReason): void {
    const { topic, publish, maxEvents = MAX_EVENTS, maxBytes = MAX_BYTES } = this.#options;
    const letter: AcceptedEvent = {
      ...event,
      // Not a view, which would keep the whole request in memory.
      value: event.value?.slice() ?? null,
      topic,
      headers: [...event.headers, ...reasonHeaders(event.topic, reason)],
    };
    const bytes = eventBytes(letter);
    if (this.#events >= maxEvents || this.#bytes + bytes > maxBytes) {
      this.counts.dropped++;
      this.#report("too many dead letters wait for Kafka; some were dropped");
      return;
    }
    this.#events++;
    this.#bytes += bytes;
    publish([new PendingEvent(letter, bytes, performance.now(), NOBODY, 0)], this.#settle);
  }

  /** Resolves when none is under way. */
  get whenIdle(): Promise<void> {
    if (this.#events === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  readonly #settle = (letter: PendingEvent, outcome: Outcome): void => {
    this.#events--;
    if (this.#events === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    this.#bytes -= letter.bytes;
    if (outcome.status === "acked") {
      this.counts.published++;
      return;
    }
    this.counts.failed++;
    this.#report(`a dead letter was not published: ${"detail" in outcome ? outcome.detail : outcome.status}`);
  };

  /** At most once a second: a client may send thousands. */
  #report(what: string): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#reportedAt = now;
    this.#options.log.warn({ topic: this.#options.topic, ...this.counts }, what);
  }
}

function reasonHeaders(sourceTopic: string, reason: DeadLetterReason): RecordHeader[] {
  const headers: RecordHeader[] = [
    ["error_code", reason.code],
    ["error_detail", reason.detail],
    ["source_topic", sourceTopic],
  ];
  if (reason.pointer !== undefined) headers.push(["error_pointer", reason.pointer]);
  if (reason.rule !== undefined) headers.push(["error_rule", reason.rule]);
  return headers;
}
