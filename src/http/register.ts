/** The POST paths: what a request says at its head decides whether its body is read at all, and as what. */
import { type ReasonCode, refused } from "../outcome.ts";
import { BodyReader } from "./body.ts";
import { typesTaken } from "./content.ts";
import { ENCODINGS } from "./encoding.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import type { Grant } from "./gate/index.ts";
import { readIntake, type Where } from "./intake.ts";
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
    const { whyFull, admission } = this.#options.ingest;
    if (whyFull) return this.#refuse(whyFull, { "retry-after": String(admission.retryAfterSeconds) });
    const exchange = new Exchange(this.#options, request, intake, grant);
    this.#bodies.read(request, exchange.maxBodyBytes, exchange);
    return this.#options.isStopping() ? exchange.response.then(closing) : exchange.response;
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
