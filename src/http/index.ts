/** The HTTP side: routes, and an answer to everything that does not match one. It never sees Kafka, only `ingest`. */
import { type AnyElysia, Elysia } from "elysia";
import type { EventRules } from "../event/index.ts";
import type { DeadLetters, Filed, Ingest } from "../ingest/index.ts";
import type { Log } from "../log.ts";
import { refused } from "../outcome.ts";
import { printable } from "./content.ts";
import { Cors } from "./cors.ts";
import { documentation } from "./documentation.ts";
import type { FastRoutes } from "./fast/index.ts";
import { Gate, type GatedHandler, type KeyRing } from "./gate/index.ts";
import type { Where } from "./intake.ts";
import { type Limits, limitsResponse } from "./limits.ts";
import { type Answer, type Handler, respond, toResponse } from "./message.ts";
import {
  limitsDetail,
  livenessDetail,
  metricsDetail,
  readinessDetail,
  registerEventDetail,
  registerEventsDetail,
  statusDetail,
  topicEventsDetail,
} from "./openapi.ts";
import type { Ack } from "./parameters.ts";
import { problemAnswer, problemResponse } from "./problem.ts";
import { Register } from "./register.ts";
import { livenessResponse, readinessResponse, type ServerState, statusResponse } from "./status.ts";

export { type WatchedKeys, watchKeys } from "./gate/index.ts";
export { type Listening, type ListenOptions, listen } from "./listener.ts";
export { problemResponse } from "./problem.ts";
export type { ServerState } from "./status.ts";
export { readTls, type TlsFiles } from "./tls.ts";

export interface HttpOptions {
  readonly ingest: Ingest;
  readonly state: () => ServerState;
  /** As `state` says, without the rest of it: asked for with every request. */
  readonly isStopping: () => boolean;
  readonly log: Log;
  readonly version: string;
  readonly limits: Limits;
  /** The first is that of the paths that name none. */
  readonly topics: readonly [string, ...string[]];
  readonly ack: Ack;
  readonly rules: EventRules;
  readonly filed: Filed;
  readonly deadLetters: DeadLetters | undefined;
  /** In the text format of Prometheus. */
  readonly metrics: () => Promise<Response>;
  /** Who may send; undefined: everyone. */
  readonly keys: KeyRing | undefined;
  /** `*`, or the origins of the web pages that may send; undefined: none. */
  readonly corsOrigins: readonly string[] | undefined;
}

/** Which methods a path takes, for 405 answers. */
const METHODS: readonly (readonly [path: RegExp, methods: string])[] = [
  [/^\/register_events?$/, "POST"],
  [/^\/topics\/[^/]+\/events$/, "POST"],
  [/^\/(?:docs\/assets\/.*|get_status|livez|readyz|metrics|limits|docs|openapi\.json)?$/, "GET, HEAD"],
];

/** The application: all of it behind Bun's HTTP server, and what plain requests are handled by without that. */
export interface Site {
  readonly app: AnyElysia;
  /** Undefined where something is put around every handler. */
  readonly fast: FastRoutes | undefined;
}

export function createSite(options: HttpOptions): Site {
  const guard = guards(options);
  const register = new Register(options);
  const take = (where: Where) =>
    guard((request, asker, grant) => register.handle(request, asker, where, grant), where.topic);
  const [ownTopic] = options.topics;
  const one = take({ topic: ownTopic, shape: "one" });
  const many = take({ topic: ownTopic, shape: "many" });
  // Behind the gate, too: which topics there are is nobody's business without a key.
  const takeUnknown = guard(
    (request, asker) => asker.answer(unknownTopic(options.ingest, pathOf(request.url))),
    undefined,
  );
  const topics = new Map(options.topics.map((topic) => [topic, take({ topic, shape: "many" })]));
  const failed = (error: unknown, code: string | number): Answer => {
    options.log.error({ err: error, code }, "a request failed");
    options.ingest.count(refused("internal_error", ""));
    // Never the error's own words: they may hold anything.
    return problemAnswer({ code: "internal_error", detail: "the server's log says more" });
  };
  const serve = straight(options, one, (error) => toResponse(failed(error, "UNKNOWN")));
  const app = around(options, new Elysia({ name: "sluice", strictPath: true, serve }))
    .onError(({ code, error, request }) =>
      code === "NOT_FOUND" ? notFound(options.ingest, request) : toResponse(failed(error, code)),
    )
    .post("/register_event", ({ request }) => respond(one, request), {
      parse: "none",
      detail: registerEventDetail,
    })
    .post("/register_events", ({ request }) => respond(many, request), {
      parse: "none",
      detail: registerEventsDetail,
    })
    .post(
      "/topics/:topic/events",
      ({ request, params }) => {
        const taker = topics.get(params.topic);
        return respond(taker ?? takeUnknown, request);
      },
      { parse: "none", detail: topicEventsDetail },
    )
    .get("/limits", () => limitsResponse(options.limits), { detail: limitsDetail })
    .get("/get_status", () => statusResponse(options), { detail: statusDetail })
    .get("/livez", () => livenessResponse(), { detail: livenessDetail })
    .get("/readyz", () => readinessResponse(options), { detail: readinessDetail })
    .get("/metrics", () => options.metrics(), { detail: metricsDetail })
    .get("/", () => new Response(null, { status: 302, headers: { location: "/docs" } }), { detail: { hide: true } })
    .use(documentation(options.version));
  const routes = new Map([
    ["/register_event", one],
    ["/register_events", many],
  ]);
  for (const [topic, handler] of topics) routes.set(`/topics/${topic}/events`, handler);
  return {
    app,
    fast: options.corsOrigins ? undefined : fastRoutes(options, routes, (cause) => failed(cause, "UNKNOWN")),
  };
}

function fastRoutes({ ingest }: HttpOptions, routes: FastRoutes["routes"], failed: FastRoutes["failed"]): FastRoutes {
  const { admission } = ingest;
  const room = {
    take: (bytes: number) => admission.admitBody(bytes) === undefined,
    giveBack: (bytes: number) => admission.releaseBody(bytes),
  };
  return { routes, room, failed };
}

/** Puts a handler behind the gate where there are keys; where there are none, nothing is in between. */
function guards({ keys, ingest, limits }: HttpOptions): (handler: GatedHandler, topic: string | undefined) => Handler {
  if (!keys) return (handler) => handler;
  const gate = new Gate({ keys, count: (refusal) => ingest.count(refusal) });
  const maxBodyBytes = Math.max(limits.maxEventBytes, limits.maxBatchBytes);
  return (handler, topic) => gate.guard(handler, { topic, maxBodyBytes });
}

/**
 * The path that most requests take is given to Bun's router as it is, which Elysia's configuration allows: the context that Elysia makes for a
 * handler costs more than all that this one does with the request's head. Not where something is put around every handler.
 */
function straight({ corsOrigins }: HttpOptions, one: Handler, failed: (error: unknown) => Response) {
  if (corsOrigins) return {};
  return { routes: { "/register_event": { POST: (request: Request) => respond(one, request) } }, error: failed };
}

function around({ corsOrigins }: HttpOptions, app: Elysia<"">): Elysia<""> {
  if (!corsOrigins) return app;
  const cors = new Cors(corsOrigins);
  // Elysia's type for what it hands over is no more than "a function".
  return app.wrap((handle) => cors.around(handle as unknown as Parameters<Cors["around"]>[0]));
}

function notFound(ingest: Ingest, request: Request): Response {
  const path = pathOf(request.url);
  const allow = METHODS.find(([pattern]) => pattern.test(path))?.[1];
  if (allow === undefined) {
    ingest.count(refused("not_found", ""));
    return problemResponse({ code: "not_found", detail: "the paths there are stand at /docs" });
  }
  ingest.count(refused("method_not_allowed", ""));
  return problemResponse({ code: "method_not_allowed", detail: `this path takes ${allow}` }, { allow });
}

function unknownTopic(ingest: Ingest, path: string): Answer {
  ingest.count(refused("unknown_topic", ""));
  const topic = path.slice("/topics/".length, -"/events".length);
  const detail = `this server takes no events for the topic ${printable(topic)}`;
  return problemAnswer({ code: "unknown_topic", detail });
}

/** By hand: `new URL` throws on what an HTTP/1.0 request without Host brings. */
function pathOf(url: string): string {
  const scheme = url.indexOf("://");
  const start = url.indexOf("/", scheme === -1 ? 0 : scheme + 3);
  const end = url.indexOf("?", start);
  return start === -1 ? "/" : url.slice(start, end === -1 ? undefined : end);
}
