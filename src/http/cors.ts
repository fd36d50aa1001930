/**
 * CORS (https://fetch.spec.whatwg.org/#http-cors-protocol): which web pages may send events and read the answers. Around everything,
 * errors included: an answer without these headers is, to a page, no answer. Keys travel in headers and cookies play no part, so
 * credentials are never allowed.
 */

type Answer = Response | Promise<Response>;

/** As the preflight promises; whoever wants to know better which path takes what is told by its 405. */
const METHODS = "GET, HEAD, POST";
const REQUEST_HEADERS = "Authorization, Content-Type, X-API-Key";
/** What a page may read of an answer beyond the few that it always may. */
const EXPOSED = "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, WWW-Authenticate";
/** Chromium's own upper limit. */
const MAX_AGE_S = 7200;

/** A list of header names, so that nothing else is sent back. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?: *, *[\w!#$%&'*+.^`|~-]+)*$/;

export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** `*`, or origins as browsers send them. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** The handler of all requests, with CORS around it. */
  around(handle: (request: Request) => Answer): (request: Request) => Answer {
    return (request) => {
      const origin = this.#allowed(request.headers.get("origin"));
      if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
        return preflight(request.headers, origin);
      }
      const answer = handle(request);
      return answer instanceof Promise ? answer.then((a) => marked(a, origin)) : marked(answer, origin);
    };
  }

  /** What Access-Control-Allow-Origin says; undefined where the page is not allowed, which the browser then enforces. */
  #allowed(origin: string | null): string | undefined {
    if (this.#origins.has("*")) return "*";
    return origin !== null && this.#origins.has(origin) ? origin : undefined;
  }
}

/** Any header the page asks for is allowed: CloudEvents attributes are headers, with names of the client's own. */
function preflight(headers: Headers, origin: string | undefined): Response {
  const asked = headers.get("access-control-request-headers") ?? "";
  const allowed = {
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": HEADER_NAMES.test(asked) ? asked : REQUEST_HEADERS,
    "access-control-max-age": String(MAX_AGE_S),
  };
  return marked(new Response(null, { status: 204, headers: origin === undefined ? {} : allowed }), origin);
}

function marked(answer: Response, origin: string | undefined): Response {
  const { headers } = answer;
  // Whether a page is allowed or not: a cache must not give the answer of one origin to another.
  headers.set("vary", "Origin");
  if (origin !== undefined) {
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-expose-headers", EXPOSED);
  }
  return answer;
}
