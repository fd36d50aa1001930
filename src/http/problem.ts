/** Refusals and unknown outcomes as RFC 9457 problem details. */
import { type PassedLimit, REASONS, type ReasonCode } from "../outcome.ts";
import { type Answer, toResponse } from "./message.ts";

export interface Problem {
  readonly code: ReasonCode;
  readonly detail: string;
  /** JSON pointer (RFC 6901) into the event, to the member that is wrong. */
  readonly pointer?: string;
  /** The query parameter that is wrong. */
  readonly parameter?: string;
  /** The request header that is wrong. */
  readonly header?: string;
  /** The schema's rule that is broken. */
  readonly rule?: string;
  /** The event's id, where it has one already. */
  readonly id?: string;
  readonly limit?: PassedLimit;
}

/** The problem's `type` (RFC 9457, 3.1.1): a name, not an address. */
function typeOf(code: ReasonCode): string {
  return `urn:sluice:problem:${code}`;
}

/** What an answer says of a problem, beside what the HTTP status says. */
export function problemMembers(problem: Problem) {
  return {
    detail: problem.detail,
    code: problem.code,
    retry: REASONS[problem.code].retry,
    pointer: problem.pointer,
    parameter: problem.parameter,
    header: problem.header,
    rule: problem.rule,
    id: problem.id,
    limit: problem.limit,
  };
}

export function problemAnswer(problem: Problem, headers: Answer["headers"] = {}): Answer {
  const { status, title } = REASONS[problem.code];
  const body = { type: typeOf(problem.code), title, status, ...problemMembers(problem) };
  return { status, headers: { "content-type": "application/problem+json", ...headers }, body: JSON.stringify(body) };
}

export function problemResponse(problem: Problem, headers?: Answer["headers"]): Response {
  return toResponse(problemAnswer(problem, headers));
}
