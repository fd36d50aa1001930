/**
 * The load: senders that number their events, send each lane's one after the other over HTTP, and keep what they were told. A patient
 * one sends an event again with the same id until it is kept; an impatient one goes on to the next.
 */
import { bodyOf, idOf, type Lane, lanesOf } from "./events.ts";
import type { Receipt, SentEvent } from "./oracle.ts";

export interface LoadOptions {
  readonly url: string;
  readonly eventsPerS: number;
}

const SENDERS = 5;
const LANES_EACH = 5;
/** Retry-After is in whole seconds and meant for many clients; these few may come sooner, so that a fault is met by many attempts. */
const RETRY_PAUSE_MS = 200;

type Answer =
  | { readonly kind: "acked" | "spooled"; readonly receipt: Receipt | undefined }
  | { readonly kind: "refused"; readonly code: string; readonly isRetryable: boolean }
  | { readonly kind: "unknown" }
  | { readonly kind: "cut" };

type Draft = { -readonly [K in keyof SentEvent]: SentEvent[K] };

interface Body {
  readonly status?: string | number;
  readonly code?: string;
  readonly retry?: boolean;
  readonly partition?: number;
  readonly offset?: number | null;
  readonly possible_duplicate?: boolean;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #lanes: readonly Lane[] = lanesOf(SENDERS, LANES_EACH);
  readonly #running: Promise<void>[] = [];
  readonly #abort = new AbortController();
  readonly sent = new Map<string, SentEvent>();
  /** How often each answer came: "acked", "spooled", "unknown", "cut", or a refusal's code. */
  readonly answers = new Map<string, number>();
  /** Codes of refusals that say not to send the event again. */
  readonly finalRefusals = new Set<string>();
  kept = 0;
  /** The longest time in which no sender was told that an event was kept. */
  longestPauseMs = 0;
  #lastKeptAt: number | undefined;
  #isStopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    for (const lane of this.#lanes) this.#running.push(this.#run(lane));
  }

  /** No new events; resolves when each has its end. After `graceMs` nothing is sent again, and soon after that, waited for. */
  async stop(graceMs: number): Promise<void> {
    this.#notePause();
    this.#lastKeptAt = undefined;
    this.#isStopping = true;
    const timer = setTimeout(() => this.#abort.abort(), graceMs);
    await Promise.all(this.#running);
    clearTimeout(timer);
  }

  /** Ends at once. */
  abandon(): void {
    this.#isStopping = true;
    this.#abort.abort();
  }

  /** Resolves when so many more events were kept; rejects after the time. */
  async whenKept(more: number, timeoutMs: number): Promise<void> {
    const goal = this.kept + more;
    const deadline = performance.now() + timeoutMs;
    while (this.kept < goal) {
      if (performance.now() > deadline)
        throw new Error(`${timeoutMs} ms passed, and not ${more} more events were kept (${this.answersText()})`);
      await Bun.sleep(20);
    }
  }

  answersText(): string {
    return [...this.answers].map(([answer, count]) => `${answer} ${count}`).join(", ");
  }

  async #run(lane: Lane): Promise<void> {
    const intervalMs = (1000 * this.#lanes.length) / this.#options.eventsPerS;
    let dueAt = performance.now() + Math.random() * intervalMs;
    for (let n = 0; !this.#isStopping; n++) {
      await Bun.sleep(Math.max(0, dueAt - performance.now()));
      await this.#deliver(lane, n);
      // What a fault held up is not sent faster afterwards.
      dueAt = Math.max(dueAt + intervalMs, performance.now());
    }
  }

  async #deliver(lane: Lane, n: number): Promise<void> {
    const id = idOf(lane.name, n);
    const key = lane.isKeyed ? lane.name : null;
    const event: Draft = { id, key, n, told: "refused", receipt: undefined, unknowns: 0, cuts: 0 };
    this.sent.set(id, event);
    for (;;) {
      const answer = await this.#attempt(event);
      this.#note(event, answer);
      if (answer.kind === "acked" || answer.kind === "spooled") return;
      if (answer.kind === "refused" && !answer.isRetryable) return;
      if (!lane.isPatient || this.#abort.signal.aborted) return;
      await Bun.sleep(RETRY_PAUSE_MS * (0.5 + Math.random()));
    }
  }

  #note(event: Draft, answer: Answer): void {
    const name = answer.kind === "refused" ? answer.code : answer.kind;
    this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
    if (answer.kind === "unknown") event.unknowns++;
    else if (answer.kind === "cut") event.cuts++;
    else if (answer.kind === "refused") {
      if (!answer.isRetryable) this.finalRefusals.add(answer.code);
    } else {
      event.told = answer.kind;
      event.receipt = answer.receipt;
      this.kept++;
      this.#notePause();
      return;
    }
    if (event.unknowns + event.cuts > 0) event.told = "unknown";
  }

  #notePause(): void {
    const now = performance.now();
    if (this.#lastKeptAt !== undefined) this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#lastKeptAt);
    if (!this.#isStopping) this.#lastKeptAt = now;
  }

  async #attempt({ id, key }: SentEvent): Promise<Answer> {
    let response: Response;
    let body: Body;
    try {
      response = await fetch(`${this.#options.url}/register_event${key === null ? "" : `?key=${key}`}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: bodyOf(id),
      });
      body = (await response.json()) as Body;
    } catch (cause) {
      // Refused at the socket: nothing was sent.
      if ((cause as { code?: string }).code === "ConnectionRefused")
        return { kind: "refused", code: "connection_refused", isRetryable: true };
      return { kind: "cut" };
    }
    return answerOf(response.status, body);
  }
}

function answerOf(status: number, body: Body): Answer {
  if (status === 202 && body.status === "spooled") return { kind: "spooled", receipt: undefined };
  if (status === 202) {
    const { partition = -1, offset = null, possible_duplicate: isPossibleDuplicate = false } = body;
    return { kind: "acked", receipt: { partition, offset, isPossibleDuplicate } };
  }
  if (status === 504) return { kind: "unknown" };
  return { kind: "refused", code: body.code ?? String(status), isRetryable: body.retry === true };
}
