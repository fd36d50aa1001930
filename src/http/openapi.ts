/** What the OpenAPI document says of each path. Statuses, codes and examples come from the table of reasons. */
import { type TSchema, Type } from "@sinclair/typebox";
import { EventSchema } from "../event/index.ts";
import { REASONS, type ReasonCode } from "../outcome.ts";
import { ENCODINGS } from "./encoding.ts";

const nullable = (schema: TSchema, description: string) => Type.Union([schema, Type.Null()], { description });

const Receipt = Type.Object(
  {
    id: Type.String({ description: "The event's own id, or the UUIDv7 it was given." }),
    status: Type.Union(
      [Type.Literal("acked"), Type.Literal("filed"), Type.Literal("spooled"), Type.Literal("queued")],
      {
        description:
          "acked: every in-sync replica has the record. filed: and its line is in the log file. spooled: it is on the server's disk and will be published. queued: it waits in the buffer, and may be lost.",
      },
    ),
    topic: Type.String(),
    partition: Type.Optional(Type.Integer({ description: "Of an acked event." })),
    offset: Type.Optional(nullable(Type.Integer(), "Of an acked event; null where Kafka did not say it.")),
    possible_duplicate: Type.Optional(
      Type.Literal(true, {
        description: "The outcome of an earlier attempt is unknown: the event may be there twice.",
      }),
    ),
    note: Type.Optional(Type.String({ description: "Where ?ack=filed was not seen to be so in time." })),
  },
  { title: "Receipt" },
);

const PROBLEM_MEMBERS = {
  detail: Type.String(),
  code: Type.Union(Object.keys(REASONS).map((code) => Type.Literal(code))),
  retry: Type.Boolean({ description: "Sending the same again, unchanged, may succeed." }),
  pointer: Type.Optional(Type.String({ description: "JSON pointer (RFC 6901) into the event." })),
  parameter: Type.Optional(Type.String({ description: "The query parameter that is wrong." })),
  header: Type.Optional(Type.String({ description: "The request header that is wrong." })),
  rule: Type.Optional(Type.String({ description: "The schema's rule that is broken." })),
  id: Type.Optional(Type.String({ description: "The event's id." })),
  limit: Type.Optional(Type.Object({ name: Type.String(), max: Type.Number(), actual: Type.Optional(Type.Integer()) })),
};

const Problem = Type.Object(
  { type: Type.String(), title: Type.String(), status: Type.Integer(), ...PROBLEM_MEMBERS },
  { title: "Problem", description: "RFC 9457 problem details" },
);

const BatchAnswer = Type.Object(
  {
    accepted: Type.Integer(),
    refused: Type.Integer(),
    unknown: Type.Integer({ description: "Of these it is not known whether they are in the topic." }),
    problems: Type.Array(Type.Object({ index: Type.Integer({ description: "From 0." }), ...PROBLEM_MEMBERS })),
    receipts: Type.Optional(
      Type.Array(Type.Intersect([Type.Object({ index: Type.Integer() }), Receipt]), {
        description: "With ?results=all",
      }),
    ),
  },
  { title: "BatchAnswer" },
);

const CloudEvent = Type.Object(
  {
    specversion: Type.Literal("1.0"),
    id: Type.String({ minLength: 1 }),
    source: Type.String({ minLength: 1 }),
    type: Type.String({ minLength: 1 }),
  },
  { additionalProperties: true, title: "CloudEvent", description: "CloudEvents 1.0.2, JSON event format" },
);

/** A TypeBox schema as the plain JSON Schema that it is. */
function plain(schema: TSchema): object {
  return JSON.parse(JSON.stringify(schema));
}

function problemExample(code: ReasonCode): object {
  const { status, title, retry, example } = REASONS[code];
  return { type: `urn:sluice:problem:${code}`, title, status, detail: example, code, retry };
}

/** An answer a status, with its codes and an example of each. `alsoList`: the statuses that a batch of which nothing was taken may have. */
function problemResponses(codes: readonly ReasonCode[], answersMany: boolean): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => REASONS[code].status);
  return Object.fromEntries(
    Array.from(byStatus, ([status, group]) => {
      const description = group.map((code) => `\`${code}\`: ${REASONS[code].title}`).join("; ");
      const examples = Object.fromEntries(group.map((code) => [code, { value: problemExample(code) }]));
      const content = { "application/problem+json": { schema: plain(Problem), examples } };
      const list = { "application/json": { schema: plain(BatchAnswer) } };
      return [status, { description, content: answersMany ? { ...content, ...list } : content }];
    }),
  );
}

const REGISTER_CODES = [
  "invalid_json",
  "invalid_parameter",
  "invalid_encoding",
  "unauthorized",
  "forbidden_topic",
  "body_timeout",
  "id_conflict",
  "event_too_large",
  "unsupported_media_type",
  "unsupported_encoding",
  "invalid_event",
  "schema_violation",
  "unknown_event_type",
  "invalid_timestamp",
  "rejected_by_kafka",
  "quota_exceeded",
  "internal_error",
  "overloaded",
  "spool_full",
  "spool_failed",
  "kafka_unreachable",
  "not_delivered",
  "starting",
  "shutting_down",
  "delivery_unknown",
] as const satisfies readonly ReasonCode[];
const BATCH_CODES = ["empty_batch", "batch_too_large", "batch_refused", ...REGISTER_CODES] as const;

const EVENT_EXAMPLE = {
  event_type: "page_view",
  user_id: "u-18273",
  timestamp: "2026-11-22T20:00:00Z",
  metadata: { page: "/pricing" },
};
const CLOUDEVENT_EXAMPLE = { specversion: "1.0", id: "e-1", source: "/shop", type: "page_view", data: EVENT_EXAMPLE };

interface TextSchema {
  readonly type: "string";
  readonly minLength?: number;
  enum?: string[];
}
const query = (name: string, description: string, schema: Omit<TextSchema, "type"> = {}) => ({
  name,
  in: "query" as const,
  required: false,
  description,
  schema: { type: "string", ...schema } satisfies TextSchema as TextSchema,
});
const ACK = query("ack", "What the answer waits for; the default is an option of the server's.", {
  enum: ["all", "queued", "filed"],
});
const ONE_PARAMETERS = [
  query("key", "The record key: events with the same key keep their order.", { minLength: 1 }),
  query("timestamp", "The record's timestamp: milliseconds since 1970, or RFC 3339.", { minLength: 1 }),
  ACK,
];
const MANY_PARAMETERS = [
  ACK,
  query("results", "Whether the answer lists every receipt.", { enum: ["refused", "all"] }),
  query("atomic", "Publish nothing when any event is invalid. This covers validation, not delivery.", {
    enum: ["true", "false"],
  }),
];
const COMMON_HEADERS = [
  {
    name: "content-encoding",
    in: "header" as const,
    required: false,
    schema: { type: "string" as const, enum: ["identity", ...ENCODINGS] },
  },
];

const CLOUDEVENT_CONTENT = {
  "application/cloudevents+json": { schema: plain(CloudEvent), example: CLOUDEVENT_EXAMPLE },
  "application/cloudevents-batch+json": {
    schema: plain(Type.Array(CloudEvent, { minItems: 1 })),
    example: [CLOUDEVENT_EXAMPLE],
  },
};
const ONE_CONTENT = {
  "application/json": { schema: plain(EventSchema), example: EVENT_EXAMPLE },
  "text/plain": {
    schema: { type: "string" as const, description: "The same JSON, as navigator.sendBeacon sends it." },
  },
  ...CLOUDEVENT_CONTENT,
};
const LINES = `${JSON.stringify(EVENT_EXAMPLE)}\n${JSON.stringify({ ...EVENT_EXAMPLE, user_id: "u-2" })}\n`;
const MANY_CONTENT = {
  "application/json": { schema: plain(Type.Array(EventSchema, { minItems: 1 })), example: [EVENT_EXAMPLE] },
  "application/x-ndjson": { schema: { type: "string" as const }, example: LINES },
  "application/jsonl": { schema: { type: "string" as const }, example: LINES },
  ...CLOUDEVENT_CONTENT,
};
const CLOUDEVENT_NOTE =
  "A request with `ce-` headers is a CloudEvent in binary mode, whatever its Content-Type. CloudEvents become records in the Kafka protocol binding's binary mode.";

const taken = (description: string, schema: TSchema) => ({
  description,
  content: { "application/json": { schema: plain(schema) } },
});

function manyDetail(operationId: string, summary: string, codes: readonly ReasonCode[]) {
  return {
    operationId,
    summary,
    description: `One answer for all: counts, and a problem for each event that was not taken. ${CLOUDEVENT_NOTE}`,
    parameters: [...MANY_PARAMETERS, ...COMMON_HEADERS],
    requestBody: { required: true, content: MANY_CONTENT },
    responses: {
      202: taken("All taken", BatchAnswer),
      207: taken("Some taken, some not", BatchAnswer),
      ...problemResponses(codes, true),
    },
  };
}

export const registerEventDetail = {
  operationId: "registerEvent",
  summary: "Register one event",
  description: `Answers once every in-sync replica has the record. The record's value is the client's bytes. Query parameters called \`header.<name>\` set record headers. ${CLOUDEVENT_NOTE}`,
  parameters: [...ONE_PARAMETERS, ...COMMON_HEADERS],
  requestBody: { required: true, content: ONE_CONTENT },
  responses: {
    202: taken("Taken; a list where the body is a CloudEvents batch", Type.Union([Receipt, BatchAnswer])),
    207: taken("Some of a CloudEvents batch taken", BatchAnswer),
    ...problemResponses(BATCH_CODES, true),
  },
};
export const registerEventsDetail = manyDetail("registerEvents", "Register a batch of events", BATCH_CODES);
export const topicEventsDetail = manyDetail("registerTopicEvents", "Register a batch of events for a topic", [
  "unknown_topic",
  ...BATCH_CODES,
]);

const anyObject = { "application/json": { schema: { type: "object" as const } } };
export const statusDetail = {
  operationId: "getStatus",
  summary: "Whether events are taken right now",
  responses: {
    200: { description: "Kafka is reachable", content: anyObject },
    503: { description: "Kafka is unreachable, or the server stops", content: anyObject },
  },
};
const plainText = { "text/plain": { schema: { type: "string" as const } } };
export const livenessDetail = {
  operationId: "getLiveness",
  summary: "Whether the process answers at all",
  responses: { 200: { description: "It does", content: plainText } },
};
export const readinessDetail = {
  operationId: "getReadiness",
  summary: "Whether events should be sent here",
  responses: {
    200: { description: "Yes", content: plainText },
    503: { description: "No: Kafka is unreachable and there is no spool, or the server stops", content: plainText },
  },
};
export const metricsDetail = {
  operationId: "getMetrics",
  summary: "Metrics in the text format of Prometheus",
  responses: { 200: { description: "The metrics", content: plainText } },
};
export const limitsDetail = {
  operationId: "getLimits",
  summary: "Every limit in force, under the names that refusals use",
  responses: {
    200: {
      description: "The limits",
      content: {
        "application/json": { schema: { type: "object" as const, additionalProperties: { type: "integer" as const } } },
      },
    },
  },
};
