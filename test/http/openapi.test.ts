/** Whether the OpenAPI document is a valid one, and true: every code on every path, every example as its own schema wants it. */
import { expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { openApiDocument } from "../../scripts/docs/openapi.ts";
import { REASONS, type ReasonCode } from "../../src/outcome.ts";

interface Media {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
interface Content {
  readonly content?: Readonly<Record<string, Media>>;
}
interface Operation {
  readonly operationId?: string;
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>;
}
const document = (await openApiDocument()) as { paths: Record<string, Record<string, Operation>> };
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
);

test("it is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect([valid, errors]).toEqual([true, undefined]);
  expect((document as unknown as { openapi: string }).openapi).toStartWith("3.1");
});

test("every code that a POST path can answer is in it, under its status", () => {
  /** Never of a path that takes events. */
  const elsewhere: readonly ReasonCode[] = ["not_found", "method_not_allowed"];
  const posts = operations.filter(({ name }) => name.startsWith("post "));
  expect(posts.map(({ name }) => name)).toEqual([
    "post /register_event",
    "post /register_events",
    "post /topics/{topic}/events",
  ]);
  for (const { name, operation } of posts) {
    for (const [code, { status }] of Object.entries(REASONS)) {
      const isOf = !elsewhere.includes(code as ReasonCode) && (code !== "unknown_topic" || name.includes("{topic}"));
      const examples = operation.responses[status]?.content?.["application/problem+json"]?.examples ?? {};
      expect([name, code, Object.hasOwn(examples, code)]).toEqual([name, code, isOf]);
    }
  }
});

test("examples are what their schemas say", () => {
  const ajv = formats.default(new Ajv2020({ strict: false }));
  let count = 0;
  for (const { name, operation } of operations) {
    const contents = [operation.requestBody, ...Object.values(operation.responses)].map((part) => part?.content ?? {});
    for (const [type, { schema, example, examples }] of contents.flatMap((content) => Object.entries(content))) {
      const values = [example, ...Object.values(examples ?? {}).map(({ value }) => value)].filter(
        (v) => v !== undefined,
      );
      for (const value of values) {
        count++;
        expect([name, type, value, ajv.validate(schema, value), ajv.errorsText()]).toEqual([
          name,
          type,
          value,
          true,
          "No errors",
        ]);
      }
    }
  }
  expect(count).toBeGreaterThan(50);
});
