/** POST /register_event: one JSON object in, a receipt or a problem out. The path every event takes: no detours here. */
import { checkEvent } from "../event/index.ts";
import { type AcceptedEvent, eventBytes, type Ingest } from "../ingest/index.ts";
import { type Outcome, type Refused, refused } from "../outcome.ts";
import { type Body, readBody } from "./body.ts";
import { readParameters } from "./parameters.ts";
import { type Problem, problemResponse } from "./problem.ts";

export interface RegisterEventOptions {
  readonly ingest: Ingest;
  readonly maxEventBytes: number;
}

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
const RECEIPT = { status: 202, headers: { "content-type": "application/json" } };

export class RegisterEvent {
  readonly #ingest: Ingest;
  readonly #maxEventBytes: number;

  constructor(options: RegisterEventOptions) {
    this.#ingest = options.ingest;
    this.#maxEventBytes = options.maxEventBytes;
  }

  handle(request: Request): Response | Promise<Response> {
    const wrong = this.#checkHead(request);
    if (wrong) return this.#refuse(wrong);
    const parameters = readParameters(request.url);
    if (!("key" in parameters)) {
      return this.#refuse({ code: "invalid_parameter", detail: parameters.detail, parameter: parameters.parameter });
    }
    return readBody(request, this.#maxEventBytes).then((body) => this.#take(body, parameters.key));
  }

  #take(body: Body, key: string | null): Response | Promise<Response> {
    if ("isAborted" in body) return new Response(null, { status: 400 });
    if ("tooLarge" in body) return this.#tooLarge(body.tooLarge.actual);
    const checked = checkEvent(body.bytes);
    if (!checked.isValid) return this.#refuse(checked.problem);
    return this.#accept({
      id: checked.id ?? Bun.randomUUIDv7(),
      key,
      value: body.bytes,
      receivedAtMs: Date.now(),
    });
  }

  #checkHead(request: Request): Problem | undefined {
    const type = request.headers.get("content-type");
    // The spelling that nearly every client uses, before the general one.
    if (type !== "application/json" && (type === null || !JSON_TYPE.test(type))) {
      const found = type === null ? "the request has no Content-Type" : `not ${printable(type)}`;
      return { code: "unsupported_media_type", detail: `Content-Type must be application/json: ${found}` };
    }
    const encoding = request.headers.get("content-encoding");
    if (encoding !== null && encoding.toLowerCase() !== "identity") {
      return { code: "unsupported_encoding", detail: `Content-Encoding must be identity, not ${printable(encoding)}` };
    }
    return undefined;
  }

  #accept(event: AcceptedEvent): Response | Promise<Response> {
    const outcome = this.#ingest.accept(event);
    return outcome instanceof Promise ? outcome.then((o) => this.#outcome(event, o)) : this.#outcome(event, outcome);
  }

  #outcome(event: AcceptedEvent, outcome: Outcome): Response {
    if (outcome.status === "acked") {
      const { topic, partition, offset } = outcome;
      return new Response(
        `{"id":${JSON.stringify(event.id)},"status":"acked","topic":"${topic}","partition":${partition},"offset":${offset}}`,
        RECEIPT,
      );
    }
    const problem: Problem = { code: outcome.code, detail: outcome.detail, id: event.id };
    if (outcome.code === "event_too_large")
      return problemResponse({ ...problem, limit: this.#limit(eventBytes(event)) });
    return problemResponse(problem, this.#retryHeaders(outcome));
  }

  #retryHeaders(outcome: Exclude<Outcome, { status: "acked" }>): Record<string, string> {
    const headers: Record<string, string> = {};
    const isBusy: ReadonlySet<Refused["code"]> = RETRY_LATER;
    if (isBusy.has(outcome.code)) headers["retry-after"] = String(this.#ingest.retryAfterSeconds);
    if (outcome.code === "shutting_down") headers.connection = "close";
    return headers;
  }

  #tooLarge(actual: number): Response {
    const max = this.#maxEventBytes;
    return this.#refuse({
      code: "event_too_large",
      detail: `the body alone has ${actual} bytes or more; max_event_bytes is ${max}, for value, key and headers together`,
      limit: this.#limit(actual),
    });
  }

  #limit(actual: number): NonNullable<Problem["limit"]> {
    return { name: "max_event_bytes", max: this.#maxEventBytes, actual };
  }

  #refuse(problem: Problem): Response {
    this.#ingest.count(refused(problem.code, problem.detail));
    return problemResponse(problem);
  }
}

const RETRY_LATER: ReadonlySet<Refused["code"]> = new Set([
  "overloaded",
  "kafka_unreachable",
  "not_delivered",
  "shutting_down",
  "delivery_unknown",
]);

/** A client's header value in a sentence: short, and nothing but printable ASCII. */
function printable(text: string): string {
  const clean = text.replaceAll(/[^\x20-\x7e]/g, "?");
  return JSON.stringify(clean.length > 80 ? `${clean.slice(0, 80)}…` : clean);
}
