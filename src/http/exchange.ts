/**
 * One request on its way: from its body to its events, to ingest, to its answer. One object a request: this is the path every event
 * takes.
 */
import { turnMs } from "../clock.ts";
import type { Checked, EventRules } from "../event/index.ts";
import type { AcceptedEvent, DeadLetters, Filed, Ingest, Receiver } from "../ingest/index.ts";
import { type Outcome, type ReasonCode, refused } from "../outcome.ts";
import { acceptedEvent, detached, prepared } from "./accepted.ts";
import { answerMany, answerOne, type HeaderSource, type Result, resultOf } from "./answer.ts";
import { Batch, NOBODY } from "./batch.ts";
import type { Body, BodyReceiver } from "./body.ts";
import { isBatch } from "./content.ts";
import { decode } from "./encoding.ts";
import { readEvents } from "./events.ts";
import type { Grant } from "./gate/index.ts";
import type { Intake } from "./intake.ts";
import type { Asker, Incoming } from "./message.ts";
import type { Ack } from "./parameters.ts";
import { type Problem, problemAnswer } from "./problem.ts";

export interface ExchangeOptions {
  readonly ingest: Ingest;
  readonly limits: {
    readonly maxEventBytes: number;
    readonly maxBatchEvents: number;
    readonly maxBatchBytes: number;
    readonly bodyTimeoutMs: number;
  };
  readonly rules: EventRules;
  /** For those who want to know of their event's line. */
  readonly filed: Filed;
  /** Takes what a schema refused, with the reason. */
  readonly deadLetters: DeadLetters | undefined;
  /** The server stops, or is about to. */
  readonly isStopping: () => boolean;
}

const RETRY_LATER: ReadonlySet<ReasonCode> = new Set([
  "overloaded",
  "spool_full",
  "spool_failed",
  "kafka_unreachable",
  "not_delivered",
  "starting",
  "shutting_down",
  "delivery_unknown",
]);

export class Exchange implements BodyReceiver, Receiver, HeaderSource {
  readonly startedAt = turnMs();
  older: BodyReceiver | undefined = undefined;
  newer: BodyReceiver | undefined = undefined;
  isLinked = false;
  readonly #options: ExchangeOptions;
  readonly #request: Incoming;
  readonly #asker: Asker;
  readonly #intake: Intake;
  readonly #grant: Grant | undefined;
  /** Where the answer is about one event. */
  #event: AcceptedEvent | undefined;

  constructor(options: ExchangeOptions, request: Incoming, asker: Asker, intake: Intake, grant: Grant | undefined) {
    this.#grant = grant;
    this.#options = options;
    this.#request = request;
    this.#asker = asker;
    this.#intake = intake;
  }

  get maxBodyBytes(): number {
    return this.#bodyLimit.max;
  }

  onBody(body: Body): void {
    try {
      if ("bytes" in body) {
        // A chunked body's size is known only now.
        const exceeded = this.#grant?.takeBytes(body.bytes.byteLength);
        if (exceeded) this.#asker.answer(exceeded);
        else if (this.#intake.encoding === undefined) this.#take(body.bytes);
        else this.#decode(body.bytes).catch((cause) => this.#asker.fail(cause));
      } else if ("tooLarge" in body) this.#refuse(this.#tooLarge(body.tooLarge.actual));
      else if ("refused" in body) this.#refuse(body.refused, this.headersFor(new Set([body.refused.code])));
      else if ("isLate" in body) this.#refuse(this.#late(body.timeoutMs), { connection: "close" });
      else this.#asker.answer({ status: 400, headers: {}, body: "" });
    } catch (cause) {
      this.#asker.fail(cause);
    }
  }

  async #decode(bytes: Uint8Array): Promise<void> {
    const encoding = this.#intake.encoding!;
    const { admission } = this.#options.ingest;
    // It may wait for its turn, behind those of others.
    const full = admission.admitBody(bytes.byteLength);
    if (full) return this.#refuse(full, this.headersFor(new Set([full.code])));
    const decoded = await decode(encoding, bytes, this.maxBodyBytes).finally(() =>
      admission.releaseBody(bytes.byteLength),
    );
    if (decoded === "too_large") this.#refuse(this.#tooLarge());
    else if (decoded === "broken") {
      const detail = `the body is not whole and valid ${encoding}, as Content-Encoding says it is`;
      this.#refuse({ code: "invalid_encoding", detail, header: "content-encoding" });
    } else this.#take(decoded);
  }

  /** A batch waits for its turn. */
  #take(body: Uint8Array): void {
    if (!this.#intake.answersMany) {
      this.#register(body);
      return;
    }
    this.#options.ingest.turnstile.pass(body.byteLength, () => {
      try {
        this.#register(body);
      } catch (cause) {
        this.#asker.fail(cause);
      }
    });
  }

  #register(body: Uint8Array): void {
    const { rules, limits } = this.#options;
    const events = readEvents(this.#request, body, this.#intake, rules, limits.maxBatchEvents);
    if ("code" in events) this.#refuse(events);
    else if (this.#intake.answersMany) this.#acceptMany(events);
    else this.#acceptOne(events[0]!, body);
  }

  #acceptOne(checked: Checked, body: Uint8Array): void {
    const prepared = this.#prepare(checked, Date.now());
    if ("code" in prepared) {
      this.#refuse(prepared);
      return;
    }
    const { value } = prepared;
    // Most are their body; and a small array has no buffer until one asks for it.
    const isPart = value !== null && value !== body && value.buffer.byteLength > 2 * value.byteLength;
    const event = isPart ? detached(prepared) : prepared;
    const { ack } = this.#intake.parameters;
    if (ack === "queued") {
      this.#asker.answer(answerOne(this.#queue(event), this));
      return;
    }
    this.#event = event;
    const refusal = this.#options.ingest.accept(event, this.#receiverFor(ack, this), 0);
    if (refusal) this.receive(0, refusal);
  }

  #receiverFor(ack: Ack, receiver: Receiver): Receiver {
    return ack === "filed" ? this.#options.filed.before(receiver) : receiver;
  }

  /** What became of the one event. */
  receive(_index: number, outcome: Outcome): void {
    const result = resultOf(outcome, this.#event!, this.#options.limits.maxEventBytes);
    this.#asker.answer(answerOne(result, this));
  }

  #acceptMany(checked: readonly Checked[]): void {
    const now = Date.now();
    const events = checked.map((one) => this.#prepare(one, now));
    const { listsReceipts, isAtomic, ack } = this.#intake.parameters;
    const answer = (results: readonly Result[]) => this.#asker.answer(answerMany(results, listsReceipts, this));
    const firstInvalid = isAtomic ? events.findIndex((event) => "code" in event) : -1;
    if (firstInvalid >= 0) {
      answer(events.map((event) => this.#refused("code" in event ? event : withheld(event, firstInvalid))));
      return;
    }
    const batch = new Batch(events.length, this.#options.limits.maxEventBytes, answer);
    const receiver = this.#receiverFor(ack, batch);
    const keepsBody = this.#keepsBody(events);
    events.forEach((view, index) => {
      const event = keepsBody || "code" in view ? view : detached(view);
      if ("code" in event) batch.settle(index, this.#refused(event));
      else if (ack === "queued") batch.settle(index, this.#queue(event));
      else this.#acceptInto(batch, receiver, index, event);
    });
  }

  #prepare(checked: Checked, now: number): AcceptedEvent | Problem {
    if (checked.isValid) return prepared(checked, this.#intake, now);
    const { draft } = checked;
    if (draft === undefined) return checked;
    const event = acceptedEvent(draft, this.#intake, now);
    this.#options.deadLetters?.add(event, checked);
    return { ...checked, id: event.id };
  }

  /**
   * Whether the events' values may stay views of the body, which then lives as long as any of them: only where most of it is values,
   * and all of them will be taken in.
   */
  #keepsBody(events: readonly (AcceptedEvent | Problem)[]): boolean {
    let [count, bytes, body] = [0, 0, 0];
    for (const event of events) {
      if ("code" in event || event.value === null) continue;
      count++;
      bytes += event.value.byteLength;
      body = event.value.buffer.byteLength;
    }
    return 2 * bytes >= body && this.#options.ingest.admission.hasRoomFor(count, body);
  }

  #acceptInto(batch: Batch, receiver: Receiver, index: number, event: AcceptedEvent): void {
    batch.expect(index, event);
    const refusal = this.#options.ingest.accept(event, receiver, index);
    if (refusal) batch.receive(index, refusal);
  }

  #queue(event: AcceptedEvent): Result {
    const refusal = this.#options.ingest.accept(event, NOBODY, 0);
    if (refusal) return resultOf(refusal, event, this.#options.limits.maxEventBytes);
    return { id: event.id, end: { status: "queued", topic: event.topic } };
  }

  headersFor(codes: ReadonlySet<ReasonCode>): Record<string, string> {
    const headers: Record<string, string> = {};
    if (!codes.isDisjointFrom(RETRY_LATER))
      headers["retry-after"] = String(this.#options.ingest.admission.retryAfterSeconds);
    if (this.isClosing) headers.connection = "close";
    return headers;
  }

  /** So that a client with a pool of connections goes elsewhere before this one is closed under it. */
  get isClosing(): boolean {
    return this.#options.isStopping();
  }

  /** A structured CloudEvent may be larger than its event: data in base64, attributes as JSON. The event is measured later. */
  get #bodyLimit(): { readonly name: string; readonly max: number } {
    const { maxEventBytes, maxBatchBytes } = this.#options.limits;
    if (isBatch(this.#intake.format)) return { name: "max_batch_bytes", max: maxBatchBytes };
    const isStructured = this.#intake.format === "cloudevent";
    return { name: "max_event_bytes", max: isStructured ? 2 * maxEventBytes : maxEventBytes };
  }

  #tooLarge(actual?: number): Problem {
    const { name, max } = this.#bodyLimit;
    const found = actual === undefined ? `more than ${max} bytes when decoded` : `${actual} bytes or more`;
    return {
      code: isBatch(this.#intake.format) ? "batch_too_large" : "event_too_large",
      detail: `the body alone has ${found}; ${name} is ${max}`,
      limit: { name, max, ...(actual !== undefined && { actual }) },
    };
  }

  #late(timeoutMs: number): Problem {
    const max = this.#options.limits.bodyTimeoutMs;
    const detail =
      timeoutMs < max
        ? `the body was not there within ${timeoutMs} ms, and bodies of others need its room`
        : `the body was not there within body_timeout_ms (${max})`;
    return { code: "body_timeout", detail, limit: { name: "body_timeout_ms", max } };
  }

  #refused(problem: Problem): Result {
    this.#options.ingest.count(refused(problem.code, problem.detail));
    return { problem };
  }

  #refuse(problem: Problem, headers?: Readonly<Record<string, string>>): void {
    this.#options.ingest.count(refused(problem.code, problem.detail));
    this.#asker.answer(problemAnswer(problem, headers));
  }
}

function withheld(event: AcceptedEvent, firstInvalid: number): Problem {
  return {
    code: "batch_refused",
    detail: `nothing of this atomic batch was published: event ${firstInvalid} is invalid`,
    id: event.id,
  };
}
