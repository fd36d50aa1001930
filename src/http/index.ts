/** The HTTP side: routes, and an answer to everything that does not match one. It never sees Kafka, only `ingest`. */
import { Elysia } from "elysia";
import type { EventRules } from "../event/index.ts";
import type { DeadLetters, Ingest } from "../ingest/index.ts";
import type { Log } from "../log.ts";
import { refused } from "../outcome.ts";
import { printable } from "./content.ts";
import { documentation } from "./documentation.ts";
import type { Where } from "./intake.ts";
import { type Limits, limitsResponse } from "./limits.ts";
import { limitsDetail, registerEventDetail, registerEventsDetail, statusDetail, topicEventsDetail } from "./openapi.ts";
import type { Ack } from "./parameters.ts";
import { problemResponse } from "./problem.ts";
import { Register } from "./register.ts";
import { type KafkaState, statusResponse } from "./status.ts";

export type { KafkaState } from "./status.ts";

export interface HttpOptions {
  readonly ingest: Ingest;
  readonly kafka: () => KafkaState;
  readonly log: Log;
  readonly version: string;
  readonly limits: Limits;
  /** The first is that of the paths that name none. */
  readonly topics: readonly [string, ...string[]];
  readonly ack: Ack;
  readonly rules: EventRules;
  readonly deadLetters: DeadLetters | undefined;
}

/** Which methods a path takes, for 405 answers. */
const METHODS: readonly (readonly [path: RegExp, methods: string])[] = [
  [/^\/register_events?$/, "POST"],
  [/^\/topics\/[^/]+\/events$/, "POST"],
  [/^\/(?:get_status|limits|docs|openapi\.json)?$/, "GET, HEAD"],
];

export function createApp(options: HttpOptions) {
  const register = new Register(options);
  const one: Where = { topic: options.topics[0], shape: "one" };
  const many: Where = { topic: options.topics[0], shape: "many" };
  const topics = new Map(options.topics.map((topic): [string, Where] => [topic, { topic, shape: "many" }]));
  return new Elysia({ name: "sluice", strictPath: true })
    .onError(({ code, error, request }) => {
      if (code === "NOT_FOUND") return notFound(options.ingest, request);
      options.log.error({ err: error, code }, "a request failed");
      options.ingest.count(refused("internal_error", ""));
      // Never the error's own words: they may hold anything.
      return problemResponse({ code: "internal_error", detail: "the server's log says more" });
    })
    .post("/register_event", ({ request }) => register.handle(request, one), {
      parse: "none",
      detail: registerEventDetail,
    })
    .post("/register_events", ({ request }) => register.handle(request, many), {
      parse: "none",
      detail: registerEventsDetail,
    })
    .post(
      "/topics/:topic/events",
      ({ request, params }) => {
        const where = topics.get(params.topic);
        return where === undefined ? unknownTopic(options.ingest, params.topic) : register.handle(request, where);
      },
      { parse: "none", detail: topicEventsDetail },
    )
    .get("/limits", () => limitsResponse(options.limits), { detail: limitsDetail })
    .get("/get_status", () => statusResponse(options), { detail: statusDetail })
    .get("/", () => new Response(null, { status: 302, headers: { location: "/docs" } }), { detail: { hide: true } })
    .use(documentation(options.version));
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

function unknownTopic(ingest: Ingest, topic: string): Response {
  ingest.count(refused("unknown_topic", ""));
  const detail = `this server takes no events for the topic ${printable(topic)}`;
  return problemResponse({ code: "unknown_topic", detail });
}

/** By hand: `new URL` throws on what an HTTP/1.0 request without Host brings. */
function pathOf(url: string): string {
  const scheme = url.indexOf("://");
  const start = url.indexOf("/", scheme === -1 ? 0 : scheme + 3);
  const end = url.indexOf("?", start);
  return start === -1 ? "/" : url.slice(start, end === -1 ? undefined : end);
}

export interface Listening {
  readonly url: string;
  /** Refuses new connections and waits up to `timeoutMs` for the requests in hand, then cuts what is left. */
  readonly stop: (timeoutMs: number) => Promise<void>;
}

/** Longer than any deadline: Bun resets a connection whose request waits longer than this for its answer. */
const MAX_IDLE_S = 255;

/** Rejects where the address cannot be had. */
export function listen(
  app: ReturnType<typeof createApp>,
  address: { readonly host: string; readonly port: number },
): Listening {
  app.listen({
    hostname: address.host,
    port: address.port,
    idleTimeout: MAX_IDLE_S,
    // A second server on the port must fail, not share it in silence.
    reusePort: false,
    // Our own limit answers, in words; Bun's would send an empty 413.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  });
  const server = app.server!;
  return {
    url: `http://${server.hostname?.includes(":") ? `[${server.hostname}]` : server.hostname}:${server.port}`,
    stop: async (timeoutMs) => {
      const { promise: late, resolve } = Promise.withResolvers<"late">();
      const timer = setTimeout(() => resolve("late"), timeoutMs);
      const end = await Promise.race([server.stop(false), late]);
      clearTimeout(timer);
      if (end === "late") await server.stop(true);
    },
  };
}
