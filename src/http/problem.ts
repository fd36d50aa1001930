/** Refusals and unknown outcomes as RFC 9457 problem details. */
import { REASONS, type ReasonCode } from "../outcome.ts";

export interface Problem {
  readonly code: ReasonCode;
  readonly detail: string;
  /** JSON pointer (RFC 6901) to the member that is wrong. */
  readonly pointer?: string;
  /** The query parameter that is wrong. */
  readonly parameter?: string;
  /** The event's id, where it has one already. */
  readonly id?: string;
  /** What is in force and what was found, where a limit was passed. */
  readonly limit?: { readonly name: string; readonly max: number; readonly actual?: number };
}

/** The problem's `type` (RFC 9457, 3.1.1): a name, not an address. */
function typeOf(code: ReasonCode): string {
  return `urn:sluice:problem:${code}`;
}

export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  const reason = REASONS[problem.code];
  const body = {
    type: typeOf(problem.code),
    title: reason.title,
    status: reason.status,
    detail: problem.detail,
    code: problem.code,
    retry: reason.retry,
    pointer: problem.pointer,
    parameter: problem.parameter,
    id: problem.id,
    limit: problem.limit,
  };
  return new Response(JSON.stringify(body), {
    status: reason.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
