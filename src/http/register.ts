/**
 * The POST paths: a body in, of one event or of several, in any of the formats; a receipt, a list or a problem out. The path every
 * event takes: no detours here.
 */
import type { Checked, EventDraft } from "../event/index.ts";
import type { AcceptedEvent, Ingest, Receiver } from "../ingest/index.ts";
import { type ReasonCode, refused } from "../outcome.ts";
import { answerMany, answerOne, type Result, resultOf } from "./answer.ts";
import { Batch, NOBODY } from "./batch.ts";
import { type Body, BodyReader } from "./body.ts";
import { isBatch, typesTaken } from "./content.ts";
import { decode, ENCODINGS } from "./encoding.ts";
import { readEvents } from "./events.ts";
import { type Intake, readIntake, type Where } from "./intake.ts";
import { MAX_TIMESTAMP_AHEAD_MS } from "./limits.ts";
import { type Ack, ParameterReader } from "./parameters.ts";
import { type Problem, problemResponse } from "./problem.ts";

export interface RegisterOptions {
  readonly ingest: Ingest;
  readonly limits: {
    readonly maxEventBytes: number;
    readonly maxBatchEvents: number;
    readonly maxBatchBytes: number;
    readonly bodyTimeoutMs: number;
  };
  /** What a request without `?ack=` asks for. */
  readonly ack: Ack;
  /** The member of a plain event that is the record key. */
  readonly keyMember: string | undefined;
}

const RETRY_LATER: ReadonlySet<ReasonCode> = new Set([
  "overloaded",
  "kafka_unreachable",
  "not_delivered",
  "shutting_down",
  "delivery_unknown",
]);

export class Register {
  readonly #options: RegisterOptions;
  readonly #ingest: Ingest;
  readonly #bodies: BodyReader;
  readonly #parameters: ParameterReader;

  constructor(options: RegisterOptions) {
    this.#options = options;
    this.#ingest = options.ingest;
    this.#bodies = new BodyReader(options.limits.bodyTimeoutMs);
    this.#parameters = new ParameterReader(options.ack);
  }

  handle(request: Request, where: Where): Response | Promise<Response> {
    const intake = readIntake(request, where, this.#parameters);
    if ("code" in intake) return this.#refuse(intake, takenHeaders(intake.code, where));
    return this.#bodies
      .read(request, this.#bodyLimit(intake).max)
      .then((body) =>
        "bytes" in body && intake.encoding === undefined
          ? this.#register(request, body.bytes, intake)
          : this.#takeOther(request, body, intake),
      );
  }

  /** A body that is encoded, or that did not come as it should. */
  async #takeOther(request: Request, body: Body, intake: Intake): Promise<Response> {
    if ("isAborted" in body) return new Response(null, { status: 400 });
    if ("tooLarge" in body) return this.#refuse(this.#tooLarge(intake, body.tooLarge.actual));
    if ("isLate" in body) return this.#refuse(this.#late(), { connection: "close" });
    const decoded = await decode(intake.encoding!, body.bytes, this.#bodyLimit(intake).max);
    if (decoded === "too_large") return this.#refuse(this.#tooLarge(intake));
    if (decoded !== "broken") return this.#register(request, decoded, intake);
    const detail = `the body is not whole and valid ${intake.encoding}, as Content-Encoding says it is`;
    return this.#refuse({ code: "invalid_encoding", detail, header: "content-encoding" });
  }

  #register(request: Request, body: Uint8Array, intake: Intake): Response | Promise<Response> {
    const { keyMember, limits } = this.#options;
    const events = readEvents(request, body, intake, { keyMember, maxBatchEvents: limits.maxBatchEvents });
    if ("code" in events) return this.#refuse(events);
    return intake.answersMany ? this.#acceptMany(events, intake) : this.#acceptOne(events[0]!, intake);
  }

  #acceptOne(checked: Checked, intake: Intake): Response | Promise<Response> {
    const event = prepare(checked, intake, Date.now());
    if ("code" in event) return this.#refuse(event);
    if (intake.parameters.ack === "queued") return answerOne(this.#queue(event), this.#headersFor);
    const { promise, resolve } = Promise.withResolvers<Response>();
    const { maxEventBytes } = this.#options.limits;
    const receiver: Receiver = {
      receive: (_index, outcome) => resolve(answerOne(resultOf(outcome, event, maxEventBytes), this.#headersFor)),
    };
    const refusal = this.#ingest.accept(event, receiver, 0);
    return refusal ? answerOne(resultOf(refusal, event, maxEventBytes), this.#headersFor) : promise;
  }

  #acceptMany(checked: readonly Checked[], intake: Intake): Response | Promise<Response> {
    const now = Date.now();
    const events = checked.map((one) => prepare(one, intake, now));
    const { listsReceipts, isAtomic, ack } = intake.parameters;
    const firstInvalid = isAtomic ? events.findIndex((event) => "code" in event) : -1;
    if (firstInvalid >= 0) {
      const results = events.map((event) => this.#refused("code" in event ? event : withheld(event, firstInvalid)));
      return answerMany(results, listsReceipts, this.#headersFor);
    }
    const batch = new Batch(events.length, this.#options.limits.maxEventBytes);
    events.forEach((event, index) => {
      if ("code" in event) batch.settle(index, this.#refused(event));
      else if (ack === "queued") batch.settle(index, this.#queue(event));
      else this.#acceptInto(batch, index, event);
    });
    return batch.whenDone.then((results) => answerMany(results, listsReceipts, this.#headersFor));
  }

  #acceptInto(batch: Batch, index: number, event: AcceptedEvent): void {
    batch.expect(index, event);
    const refusal = this.#ingest.accept(event, batch, index);
    if (refusal) batch.receive(index, refusal);
  }

  #queue(event: AcceptedEvent): Result {
    const refusal = this.#ingest.accept(event, NOBODY, 0);
    if (refusal) return resultOf(refusal, event, this.#options.limits.maxEventBytes);
    return { id: event.id, end: { status: "queued", topic: event.topic } };
  }

  readonly #headersFor = (codes: ReadonlySet<ReasonCode>): Record<string, string> => {
    const headers: Record<string, string> = {};
    if (!codes.isDisjointFrom(RETRY_LATER)) headers["retry-after"] = String(this.#ingest.retryAfterSeconds);
    if (codes.has("shutting_down")) headers.connection = "close";
    return headers;
  };

  /** A structured CloudEvent may be larger than its event: data in base64, attributes as JSON. The event is measured later. */
  #bodyLimit({ format }: Intake): { readonly name: string; readonly max: number } {
    const { maxEventBytes, maxBatchBytes } = this.#options.limits;
    if (isBatch(format)) return { name: "max_batch_bytes", max: maxBatchBytes };
    return { name: "max_event_bytes", max: format === "cloudevent" ? 2 * maxEventBytes : maxEventBytes };
  }

  #tooLarge(intake: Intake, actual?: number): Problem {
    const { name, max } = this.#bodyLimit(intake);
    const found = actual === undefined ? `more than ${max} bytes when decoded` : `${actual} bytes or more`;
    return {
      code: isBatch(intake.format) ? "batch_too_large" : "event_too_large",
      detail: `the body alone has ${found}; ${name} is ${max}`,
      limit: { name, max, ...(actual !== undefined && { actual }) },
    };
  }

  #late(): Problem {
    const max = this.#options.limits.bodyTimeoutMs;
    const detail = `the body was not there within body_timeout_ms (${max})`;
    return { code: "body_timeout", detail, limit: { name: "body_timeout_ms", max } };
  }

  #refused(problem: Problem): Result {
    this.#ingest.count(refused(problem.code, problem.detail));
    return { problem };
  }

  #refuse(problem: Problem, headers?: Readonly<Record<string, string>>): Response {
    this.#ingest.count(refused(problem.code, problem.detail));
    return problemResponse(problem, headers);
  }
}

/** What would have been taken instead (RFC 9110, 12.5.3 and 15.5.16; Accept-Post is W3C LDP's). */
function takenHeaders(code: ReasonCode, { shape }: Where): Record<string, string> | undefined {
  if (code === "unsupported_media_type") return { "accept-post": typesTaken(shape) };
  return code === "unsupported_encoding" ? { "accept-encoding": ENCODINGS.join(", ") } : undefined;
}

function prepare(checked: Checked, intake: Intake, now: number): AcceptedEvent | Problem {
  if (!checked.isValid) return checked;
  const event = acceptedEvent(checked, intake, now);
  if (event.timestampMs === undefined || event.timestampMs <= now + MAX_TIMESTAMP_AHEAD_MS) return event;
  const detail = `the timestamp is ${event.timestampMs - now} ms ahead; more than ${MAX_TIMESTAMP_AHEAD_MS} ms Kafka does not take`;
  return { code: "invalid_timestamp", detail, id: event.id };
}

function acceptedEvent(draft: EventDraft, { topic, parameters, headers }: Intake, now: number): AcceptedEvent {
  return {
    topic,
    id: draft.id ?? Bun.randomUUIDv7(),
    key: parameters.key ?? draft.key,
    value: draft.value,
    headers: draft.headers.length === 0 ? headers : [...draft.headers, ...headers],
    timestampMs: parameters.timestampMs ?? draft.timestampMs,
    receivedAtMs: now,
  };
}

function withheld(event: AcceptedEvent, firstInvalid: number): Problem {
  return {
    code: "batch_refused",
    detail: `nothing of this atomic batch was published: event ${firstInvalid} is invalid`,
    id: event.id,
  };
}
