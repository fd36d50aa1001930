/** The POST paths: what a request says at its head decides whether its body is read at all, and as what. */
import { SMALL_BYTES } from "../ingest/index.ts";
import { type ReasonCode, type Refused, refused } from "../outcome.ts";
import { BodyReader } from "./body.ts";
import { typesTaken } from "./content.ts";
import { ENCODINGS } from "./encoding.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import type { Grant } from "./gate/index.ts";
import { type Intake, readIntake, type Where } from "./intake.ts";
import { type Asker, type Incoming, withHeaders } from "./message.ts";
import { type Ack, ParameterReader } from "./parameters.ts";
import { type Problem, problemAnswer } from "./problem.ts";

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

  handle(request: Incoming, asker: Asker, where: Where, grant?: Grant): void {
    const to = this.#options.isStopping() ? closing(asker) : asker;
    const intake = this.#intakeOf(request, where);
    if ("code" in intake) {
      this.#refuse(to, intake, takenHeaders(intake.code, where));
      return;
    }
    // Before the body is read: under overload, what is spent on refusals is missing for the rest.
    const full = this.#whyFull(request, intake);
    if (full) {
      this.#refuse(to, full, { "retry-after": String(this.#options.ingest.admission.retryAfterSeconds) });
      return;
    }
    const exchange = new Exchange(this.#options, request, to, intake, grant);
    this.#bodies.read(request, exchange.maxBodyBytes, exchange);
  }

  /** Most requests of a client have the same head, and what that says is known then. */
  #intakeOf({ url, headers }: Incoming, where: Where): Intake | Problem {
    if (headers.note) return headers.note as Intake;
    const intake = readIntake(url, headers, where, this.#parameters);
    if (headers.note === null && !("code" in intake)) headers.note = intake;
    return intake;
  }

  #whyFull(request: Incoming, { answersMany }: Intake): Refused | undefined {
    const { whyFull, turnstile } = this.#options.ingest;
    if (whyFull || !answersMany) return whyFull;
    const isSmall = Number(request.headers.get("content-length") ?? Number.NaN) <= SMALL_BYTES;
    return isSmall ? undefined : turnstile.whyFull;
  }

  #refuse(asker: Asker, problem: Problem, headers?: Readonly<Record<string, string>>): void {
    this.#options.ingest.count(refused(problem.code, problem.detail));
    asker.answer(problemAnswer(problem, headers));
  }
}

/** For the answers that are given without asking whether they are the last. */
function closing(asker: Asker): Asker {
  return {
    answer: (answer) => asker.answer(withHeaders(answer, { connection: "close" })),
    fail: (cause) => asker.fail(cause),
  };
}

/** What would have been taken instead (RFC 9110, 12.5.3 and 15.5.16; Accept-Post is W3C LDP's). */
function takenHeaders(code: ReasonCode, { shape }: Where): Record<string, string> | undefined {
  if (code === "unsupported_media_type") return { "accept-post": typesTaken(shape) };
  return code === "unsupported_encoding" ? { "accept-encoding": ENCODINGS.join(", ") } : undefined;
}
