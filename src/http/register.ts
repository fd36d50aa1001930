/** The POST paths: what a request says at its head decides whether its body is read at all, and as what. */
import { SMALL_BYTES } from "../ingest/index.ts";
import { type ReasonCode, type Refused, refused } from "../outcome.ts";
import { BodyReader } from "./body.ts";
import { typesTaken } from "./content.ts";
import { ENCODINGS } from "./encoding.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import type { Grant } from "./gate/index.ts";
import { type Intake, readIntake, type Where } from "./intake.ts";
import { type Ack, ParameterReader } from "./parameters.ts";
import { type Problem, problemResponse } from "./problem.ts";

export interface RegisterOptions extends ExchangeOptions {
  /** What a request without `?ack=` asks for. */
  readonly ack: Ack;
}

export class Register {
  readonly #options: RegisterOptions;
  readonly #bodies: BodyReader;
  readonly #parameters: ParameterReader;

  constructor(options: RegisterOptions) {
    this.#options = options;
    this.#bodies = new BodyReader(options.limits.bodyTimeoutMs, options.ingest.admission);
    this.#parameters = new ParameterReader(options.ack);
  }

  handle(request: Request, where: Where, grant?: Grant): Response | Promise<Response> {
    const intake = readIntake(request, where, this.#parameters);
    if ("code" in intake) return this.#refuse(intake, takenHeaders(intake.code, where));
    // Before the body is read: under overload, what is spent on refusals is missing for the rest.
    const full = this.#whyFull(request, intake);
    if (full) return this.#refuse(full, { "retry-after": String(this.#options.ingest.admission.retryAfterSeconds) });
    const exchange = new Exchange(this.#options, request, intake, grant);
    this.#bodies.read(request, exchange.maxBodyBytes, exchange);
    return this.#options.isStopping() ? exchange.response.then(closing) : exchange.response;
  }

  #whyFull(request: Request, { answersMany }: Intake): Refused | undefined {
    const { whyFull, turnstile } = this.#options.ingest;
    if (whyFull || !answersMany) return whyFull;
    const isSmall = Number(request.headers.get("content-length") ?? Number.NaN) <= SMALL_BYTES;
    return isSmall ? undefined : turnstile.whyFull;
  }

  #refuse(problem: Problem, headers?: Readonly<Record<string, string>>): Response {
    this.#options.ingest.count(refused(problem.code, problem.detail));
    const response = problemResponse(problem, headers);
    return this.#options.isStopping() ? closing(response) : response;
  }
}

/** For the answers that are given without asking whether they are the last. */
function closing(response: Response): Response {
  response.headers.set("connection", "close");
  return response;
}

/** What would have been taken instead (RFC 9110, 12.5.3 and 15.5.16; Accept-Post is W3C LDP's). */
function takenHeaders(code: ReasonCode, { shape }: Where): Record<string, string> | undefined {
  if (code === "unsupported_media_type") return { "accept-post": typesTaken(shape) };
  return code === "unsupported_encoding" ? { "accept-encoding": ENCODINGS.join(", ") } : undefined;
}
