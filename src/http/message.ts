/**
 * A request as handlers see it, and what they answer, whoever speaks HTTP with the client: Bun's server, whose `Request` is such a
 * request as it is, or the fast path (`fast/`).
 */

export interface Incoming {
  /** An address or only its path; either way with the query behind the first `?`. */
  readonly url: string;
  readonly headers: HeaderLookup;
  /** The body, where it came with the head. */
  readonly whole?: Uint8Array | undefined;
  /** The body, once all of it is there. Rejects where the client goes away before. */
  bytes(): Promise<Uint8Array>;
  /** The body piece by piece; null: there is none. Rejects as `bytes` does. */
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** Names are lower case. */
export interface HeaderLookup extends Iterable<[name: string, value: string]> {
  get(name: string): string | null;
  /**
   * What the handler made of the whole head, for when the same comes again: with the same object, and so for the same handler. Null: nothing yet;
   * missing: each request has headers of its own.
   */
  note?: unknown;
}

export interface Answer {
  readonly status: number;
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whoever waits for the answer to a request: gets one call, of either kind. */
export interface Asker {
  answer(answer: Answer): void;
  /** Something in here is broken. */
  fail(cause: unknown): void;
}

/** Takes a request and answers the asker, at once or later; what it throws is a failure too. */
export type Handler = (request: Incoming, asker: Asker) => void;

/** What a receipt comes with: the one object, so that whoever writes answers knows it and need not read it anew each time. */
export const JSON_TYPE: Answer["headers"] = { "content-type": "application/json" };
const MADE_ONCE = new Headers({ ...JSON_TYPE });

export function toResponse({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers: headers === JSON_TYPE ? MADE_ONCE : { ...headers } });
}

/** Gives a handler a request of Bun's server. Throws or rejects where the handler fails. */
export function respond(handler: Handler, request: Request): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  handler(request, { answer: (answer) => resolve(toResponse(answer)), fail: reject });
  return promise;
}

/** The value of a header that outlives its request. What `get` answers may be a slice, which keeps all of the head in memory. */
export function detachedText(value: string): string {
  return Buffer.from(value, "latin1").toString("latin1");
}

export function withHeaders(answer: Answer, headers: Answer["headers"]): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
