import { expect, test } from "bun:test";
import { checkPlainEvent, type Slices, splitArray, splitLines } from "../../src/event/index.ts";

const NO_RULES = { keyMember: undefined, schemaProblem: undefined } as const;
const encode = (text: string) => new TextEncoder().encode(text);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const texts = (slices: ReturnType<typeof splitLines>) =>
  "code" in slices ? slices.code : slices.slices.map((slice) => decoder.decode(slice));

// biome-ignore format: a table
test.each([
  ["{}\n{}\n", ["{}", "{}"]], ["{}\r\n{}", ["{}", "{}"]], ["\n\n{} \n \t\r\n{}", ["{} ", "{}"]], ["{}\r", ["{}"]], ["{}\r\r\n", ["{}\r"]],
  ["\ufeff{}\nx", ["\ufeff{}", "x"]], ["", "empty_batch"], ["\n \r\n", "empty_batch"], ["{}\u2028{}", ["{}\u2028{}"]], ["{\0}\n", ["{\0}"]],
])("lines of %j", (body, expected) => {
  expect<string | string[]>(texts(splitLines(encode(body), 100))).toEqual(expected);
});

// biome-ignore format: a table
test.each([
  ["[{},1, [2]]", ["{}", "1", "[2]"]], ["[]", "empty_batch"], [" [ ] ", "empty_batch"], ["{}", "invalid_event"], ["", "invalid_json"],
  ["[{},]", "invalid_json"], ["[{}", "invalid_json"], ["[{}]x", "invalid_json"], ["\ufeff[{}]", "invalid_json"], ["[{}]\n", ["{}"]],
])("elements of %j", (body, expected) => {
  expect<string | string[]>(texts(splitArray(encode(body), 100))).toEqual(expected);
});

test("elements are views of the body, not copies", () => {
  const body = encode("[{}]");
  const found = splitArray(body, 100) as Slices;
  expect(found.slices[0]!.buffer).toBe(body.buffer);
});

test("past the limit events are counted, and no more views are made of them", () => {
  expect(splitLines(encode("1\n".repeat(50)), 3)).toMatchObject({ count: 50, slices: { length: 3 } });
  expect(splitArray(encode(`[${"1,".repeat(49)}1]`), 3)).toMatchObject({ count: 50, slices: { length: 3 } });
});

// biome-ignore format: a table
test.each([
  ['{"user_id":"u"}', "user_id", "u"], ['{"n":7}', "n", "7"], ['{"n":-7e2}', "n", "-700"], ["{}", "n", null], ['{"n":null}', "n", null],
  ["{}", "__proto__", null], ["{}", "toString", null], ['{"n":12345678901234567890}', "n", "/n"], ['{"n":1.5}', "n", "/n"], ['{"n":""}', "n", "/n"],
  ['{"n":true}', "n", "/n"], ['{"a/b~":[]}', "a/b~", "/a~1b~0"], ['{"n":"\\ud800"}', "n", "/n"],
] as const)("the key member of %s, %s, is %p", (body, member, expected) => {
  const checked = checkPlainEvent(encode(body), { ...NO_RULES, keyMember: member }, "the body");
  if (checked.isValid) expect(checked.key).toBe(expected);
  else expect(checked).toMatchObject({ code: "invalid_event", pointer: expected });
});
