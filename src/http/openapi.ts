/** The OpenAPI document and its page. The page's script and style come from here, not from the internet. */
import { openapi } from "@elysiajs/openapi";
import { type TSchema, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { EventSchema } from "../event/index.ts";
import { REASONS, type ReasonCode } from "../outcome.ts";

const ASSETS = { "swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript" } as const;

const Receipt = Type.Object(
  {
    id: Type.String({ description: "The event's own id, or the UUIDv7 it was given." }),
    status: Type.Literal("acked", { description: "Every in-sync replica has the record." }),
    topic: Type.String(),
    partition: Type.Integer(),
    offset: Type.Union([Type.Integer(), Type.Null()], {
      description: "Null where Kafka acknowledged without saying it.",
    }),
  },
  { title: "Receipt" },
);

const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.Union(Object.keys(REASONS).map((code) => Type.Literal(code))),
    retry: Type.Boolean({ description: "Sending the same event again, unchanged, may succeed." }),
    pointer: Type.Optional(Type.String({ description: "JSON pointer (RFC 6901) to the member that is wrong." })),
    parameter: Type.Optional(Type.String({ description: "The query parameter that is wrong." })),
    id: Type.Optional(Type.String({ description: "The event's id." })),
    limit: Type.Optional(
      Type.Object({ name: Type.String(), max: Type.Integer(), actual: Type.Optional(Type.Integer()) }),
    ),
  },
  { title: "Problem", description: "RFC 9457 problem details" },
);

/** The statuses that POST /register_event answers with, and the codes behind each. */
function problemResponses(codes: readonly ReasonCode[]): Record<string, object> {
  const byStatus = new Map<number, ReasonCode[]>();
  for (const code of codes) byStatus.set(REASONS[code].status, [...(byStatus.get(REASONS[code].status) ?? []), code]);
  return Object.fromEntries(
    Array.from(byStatus, ([status, group]) => [
      status,
      {
        description: group
          .map((code) => `\`${code}\`: ${REASONS[code].title}${REASONS[code].retry ? " (try again)" : ""}`)
          .join("; "),
        content: { "application/problem+json": { schema: plain(Problem) } },
      },
    ]),
  );
}

/** A TypeBox schema as the plain JSON Schema that it is. */
function plain(schema: TSchema): object {
  return JSON.parse(JSON.stringify(schema));
}

const REGISTER_EVENT_CODES = [
  "invalid_json",
  "invalid_parameter",
  "event_too_large",
  "unsupported_media_type",
  "unsupported_encoding",
  "invalid_event",
  "rejected_by_kafka",
  "internal_error",
  "overloaded",
  "kafka_unreachable",
  "not_delivered",
  "shutting_down",
  "delivery_unknown",
] as const satisfies readonly ReasonCode[];

/** What the document says of POST /register_event. */
export const registerEventDetail = {
  operationId: "registerEvent",
  summary: "Register one event",
  description: "Answers once every in-sync replica has the record. The record's value is the body, byte for byte.",
  parameters: [
    {
      name: "key",
      in: "query" as const,
      required: false,
      description: "The record key: events with the same key keep their order.",
      schema: { type: "string" as const, minLength: 1 },
    },
  ],
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: plain(EventSchema),
        example: {
          event_type: "page_view",
          user_id: "u-18273",
          timestamp: "2026-11-22T20:00:00Z",
          metadata: { page: "/pricing" },
        },
      },
    },
  },
  responses: {
    202: {
      description: "In Kafka, on every in-sync replica",
      content: { "application/json": { schema: plain(Receipt) } },
    },
    ...problemResponses(REGISTER_EVENT_CODES),
  },
};

export const statusDetail = {
  operationId: "getStatus",
  summary: "Whether events are taken right now",
  responses: {
    200: {
      description: "Kafka is reachable",
      content: { "application/json": { schema: { type: "object" as const } } },
    },
    503: {
      description: "Kafka is unreachable, or the server stops",
      content: { "application/json": { schema: { type: "object" as const } } },
    },
  },
};

/** Pages at /docs and /openapi.json. */
export function documentation(version: string) {
  const app = new Elysia({ name: "documentation" }).use(
    openapi({
      path: "/docs",
      specPath: "/openapi.json",
      provider: "swagger-ui",
      swagger: { cdn: "/docs/assets/swagger-ui-bundle.js", theme: "/docs/assets/swagger-ui.css", autoDarkMode: true },
      documentation: {
        info: {
          title: "Sluice",
          version,
          description: "Takes events over HTTP and puts them into Apache Kafka.",
          license: { name: "MIT" },
        },
      },
      exclude: { paths: [/^\/docs/, "/openapi.json"] },
    }),
  );
  for (const [file, type] of Object.entries(ASSETS)) {
    const path = Bun.resolveSync(`swagger-ui-dist/${file}`, import.meta.dir);
    app.get(
      `/docs/assets/${file}`,
      () => new Response(Bun.file(path), { headers: { "content-type": type, "cache-control": "max-age=86400" } }),
      {
        detail: { hide: true },
      },
    );
  }
  return app;
}
