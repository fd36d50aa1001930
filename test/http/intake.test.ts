import { expect, test } from "bun:test";
import { cloudEventAttributes } from "../../src/http/intake.ts";

test.each([
  ["plain", "plain"],
  ["a%20b%C3%A9", "a bé"],
  // What senders by older versions of the binding write.
  ['"quoted"', "quoted"],
  ['"a b"', "a b"],
  ['"say \\"hi\\" \\\\"', 'say "hi" \\'],
  ['a "b%20c" d', "a b c d"],
  ['""', ""],
  // A quote that is not closed stands for itself.
  ['5" tall', '5" tall'],
])("a binary CloudEvent's header %s is the attribute %s", (value, attribute) => {
  expect(cloudEventAttributes(new Headers({ "ce-subject": value }))).toEqual(new Map([["subject", attribute]]));
});

test("many quotes take no time", () => {
  const startedAt = performance.now();
  cloudEventAttributes(new Headers({ "ce-subject": '"\\'.repeat(9000) }));
  cloudEventAttributes(new Headers({ "ce-subject": '"'.repeat(18_001) }));
  expect(performance.now() - startedAt).toBeLessThan(100);
});
