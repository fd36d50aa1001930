import { describe, expect, test } from "bun:test";
import { checkPlainEvent } from "../../src/event/index.ts";
import { isRfc3339 } from "../../src/event/rfc3339.ts";

const NO_RULES = { keyMember: undefined, schemaProblem: undefined } as const;
const bytes = (text: string) => new TextEncoder().encode(text);
const check = (text: string) => checkPlainEvent(bytes(text), NO_RULES, "the body");

describe("events that are taken", () => {
  for (const [what, text, id] of [
    ["an empty object", "{}", null],
    [
      "every known member",
      '{"id":"e-1","event_type":"a","user_id":"u","timestamp":"2026-11-22T20:00:00.123+01:00","metadata":{"a":1}}',
      "e-1",
    ],
    ["members nobody knows", '{"other":[1,2,{"deep":null}]}', null],
    ["white space around", ' \n\t{"id":"x"} \r\n', "x"],
    ["a duplicate member: the last one counts", '{"id":"a","id":"b"}', "b"],
    ["numbers past 2^53, which are only looked at", '{"n":12345678901234567890,"m":1e400}', null],
    ["an astral id", '{"id":"😀"}', "😀"],
    ["__proto__ as a member", '{"__proto__":{"id":3}}', null],
    ["10,000 levels of nesting", `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, null],
  ] as const) {
    test(what, () => expect(check(text)).toMatchObject({ isValid: true, id, key: null, headers: [] }));
  }
});

describe("events that are refused, with what and where", () => {
  for (const [what, text, code, pointer, detail] of [
    ["nothing", "", "invalid_json", undefined, "empty"],
    ["broken JSON", '{"a":}', "invalid_json", undefined, "at byte 5 (line 1, column 6)"],
    [
      "broken JSON further down",
      '{\n "a": 1,\n "b": tru\n}',
      "invalid_json",
      undefined,
      "at byte 17 (line 3, column 7)",
    ],
    ["JSON cut short", '{"a":[1,2', "invalid_json", undefined, "it ends too early, at byte 9"],
    ["a trailing comma", '{"a":1,}', "invalid_json", undefined, "not valid JSON"],
    ["a byte order mark", "\ufeff{}", "invalid_json", undefined, "not valid JSON"],
    ["NUL", "{}\0", "invalid_json", undefined, "not valid JSON"],
    ["two values", "{}{}", "invalid_json", undefined, "not valid JSON"],
    ["an array", "[]", "invalid_event", "", "not an array"],
    ["null", "null", "invalid_event", "", "not null"],
    ["a string", '"x"', "invalid_event", "", "not a string"],
    ["id of the wrong type", '{"id":7}', "invalid_event", "/id", "must be a string"],
    ["id empty", '{"id":""}', "invalid_event", "/id", "must not be empty"],
    ["id null", '{"id":null}', "invalid_event", "/id", "must be a string"],
    ["a lone surrogate in id", '{"id":"\\ud800"}', "invalid_event", "/id", "well-formed"],
    ["event_type empty", '{"event_type":""}', "invalid_event", "/event_type", "must not be empty"],
    ["user_id a number", '{"user_id":1}', "invalid_event", "/user_id", "must be a string"],
    ["metadata an array", '{"metadata":[]}', "invalid_event", "/metadata", "must be an object"],
    ["metadata null", '{"metadata":null}', "invalid_event", "/metadata", "must be an object"],
    ["a timestamp that is none", '{"timestamp":"yesterday"}', "invalid_event", "/timestamp", "RFC 3339"],
    ["a timestamp in epoch ms", '{"timestamp":1700000000000}', "invalid_event", "/timestamp", "must be a string"],
  ] as const) {
    test(what, () => {
      const checked = check(text);
      expect(checked.isValid).toBe(false);
      if (checked.isValid) return;
      expect(checked.code).toBe(code);
      expect(checked.pointer).toBe(pointer);
      expect(checked.detail).toContain(detail);
    });
  }

  test("bytes that are not UTF-8", () => {
    const checked = checkPlainEvent(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), NO_RULES, "the body");
    expect(checked).toEqual({
      isValid: false,
      code: "invalid_json",
      detail: "the body is not valid UTF-8",
    });
  });
});

test("RFC 3339 date-times", () => {
  for (const good of ["2024-02-29T23:59:60Z", "2026-01-01t00:00:00z", "2026-12-31T23:59:59.999999999-23:59"])
    expect([good, isRfc3339(good)]).toEqual([good, true]);
  for (const bad of [
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00.Z",
    "26-01-01T00:00:00Z",
  ]) {
    expect([bad, isRfc3339(bad)]).toEqual([bad, false]);
  }
});
