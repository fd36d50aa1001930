/** POST /register_event: one JSON object in, a receipt or a problem out. The path every event takes: no detours here. */
import { checkEvent } from "../event/index.ts";
import { type AcceptedEvent, eventBytes, type Ingest } from "../ingest/index.ts";
import { type Outcome, type Refused, refused } from "../outcome.ts";
import { readBody } from "./body.ts";
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

  async handle(request: Request): Promise<Response> {
    const wrong = this.#checkHead(request);
    if (wrong) return this.#refuse(wrong);
    const parameters = readParameters(request.url);
    if (!("key" in parameters)) {
      return this.#refuse({ code: "invalid_parameter", detail: parameters.detail, parameter: parameters.parameter });
    }
    const body = await readBody(request, this.#maxEventBytes);
    if ("isAborted" in body) return new Response(null, { status: 400 });
    if ("tooLarge" in body) return this.#tooLarge(body.tooLarge.actual);
    const checked = checkEvent(body.bytes);
    if (!checked.isValid) return this.#refuse(checked.problem);
    return this.#accept({
      id: checked.id ?? Bun.randomUUIDv7(),
      key: parameters.key,
      value: body.bytes,
      receivedAtMs: Date.now(),
    });
  }

  #checkHead(request: Request): Problem | undefined {
    const type = request.headers.get("content-type");
    if (type === null || !JSON_TYPE.test(type)) {
      const found = type === null ? "the request has no Content-Type" : `not ${printable(type)}`;
      return { code: "unsupported_media_type", detail: `Content-Type must be application/json: ${found}` };
    }
    const encoding = request.headers.get("content-encoding");
    if (encoding !== null && encoding.toLowerCase() !== "identity") {
      return { code: "unsupported_encoding", detail: `Content-Encoding must be identity, not ${printable(encoding)}` };
    }
    return undefined;
  }

  async #accept(event: AcceptedEvent): Promise<Response> {
    if (this.#ingest.isDraining)
      return this.#outcome(event, this.#ingest.count(refused("shutting_down", "the server is stopping")));
    const size = eventBytes(event);
    if (size > this.#maxEventBytes) return this.#tooLarge(size, event.id);
    return this.#outcome(event, await this.#ingest.accept(event));
  }

  #outcome(event: AcceptedEvent, outcome: Outcome): Response {
    if (outcome.status === "acked") {
      const { topic, partition, offset } = outcome;
      return new Response(
        `{"id":${JSON.stringify(event.id)},"status":"acked","topic":"${topic}","partition":${partition},"offset":${offset}}`,
        RECEIPT,
      );
    }
    return problemResponse({ code: outcome.code, detail: outcome.detail, id: event.id }, this.#retryHeaders(outcome));
  }

  #retryHeaders(outcome: Exclude<Outcome, { status: "acked" }>): Record<string, string> {
    const headers: Record<string, string> = {};
    const isBusy: ReadonlySet<Refused["code"]> = RETRY_LATER;
    if (isBusy.has(outcome.code)) headers["retry-after"] = String(this.#ingest.retryAfterSeconds);
    if (outcome.code === "shutting_down") headers.connection = "close";
    return headers;
  }

  #tooLarge(actual: number, id?: string): Response {
    const max = this.#maxEventBytes;
    return this.#refuse({
      code: "event_too_large",
      detail: `value, key and headers together have ${actual} bytes or more; max_event_bytes is ${max}`,
      limit: { name: "max_event_bytes", max, actual },
      ...(id === undefined ? {} : { id }),
    });
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
