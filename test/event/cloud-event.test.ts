import { describe, expect, test } from "bun:test";
import {
  type Checked,
  checkBinaryCloudEvent,
  checkStructuredCloudEvent,
  MAX_CLOUDEVENT_ATTRIBUTES,
} from "../../src/event/index.ts";

const NO_RULES = { keyMember: undefined, schemaProblem: undefined } as const;
const encode = (text: string) => new TextEncoder().encode(text);
const REQUIRED = { specversion: "1.0", id: "e 1", source: "/shop", type: "page_view" };

function structured(members: object): Checked {
  return checkStructuredCloudEvent(encode(JSON.stringify({ ...REQUIRED, ...members })), NO_RULES, "the body");
}

function binary(attributes: Record<string, string>, contentType: string | null, body: string | Uint8Array): Checked {
  const bytes = typeof body === "string" ? encode(body) : body;
  return checkBinaryCloudEvent(new Map(Object.entries({ ...REQUIRED, ...attributes })), contentType, bytes, NO_RULES);
}

function taken(checked: Checked) {
  if (!checked.isValid) throw new Error(checked.detail);
  const { id, key, value, headers, timestampMs } = checked;
  return {
    id,
    key,
    timestampMs,
    headers: Object.fromEntries(headers),
    value: value && new TextDecoder("utf-8", { ignoreBOM: true }).decode(value),
  };
}

const ATTRIBUTES = { ce_specversion: "1.0", ce_id: "e 1", ce_source: "/shop", ce_type: "page_view" };

describe("structured", () => {
  test("data is cut out of the client's bytes", () => {
    const text = `{"specversion":"1.0","id":"e 1","source":"/shop","type":"page_view",
      "data" : { "n":12345678901234567890, "n":1e400 ,"s":"\\u00e9" } ,"time":"2026-11-22T20:00:00.5+01:00","partitionkey":"k","size":7,"ok":true,"none":null}`;
    expect(taken(checkStructuredCloudEvent(encode(text), NO_RULES, "the body"))).toEqual({
      id: "e 1",
      key: "k",
      timestampMs: Date.parse("2026-11-22T19:00:00.500Z"),
      value: '{ "n":12345678901234567890, "n":1e400 ,"s":"\\u00e9" }',
      headers: {
        ...ATTRIBUTES,
        ce_time: "2026-11-22T20:00:00.5+01:00",
        ce_partitionkey: "k",
        ce_size: "7",
        ce_ok: "true",
        "content-type": "application/json",
      },
    });
  });

  test("data that is not JSON stands in a string; data_base64 is decoded; no data is no value", () => {
    expect(taken(structured({ datacontenttype: "text/plain", data: "é\n" }))).toMatchObject({
      value: "é\n",
      headers: { "content-type": "text/plain" },
    });
    expect(taken(structured({ data: "text" }))).toMatchObject({ value: '"text"' });
    expect(taken(structured({ datacontenttype: "application/vnd.x+json; charset=utf-8", data: "t" })).value).toBe(
      '"t"',
    );
    expect(taken(structured({ datacontenttype: "text/xml", data: { a: 1 } })).value).toBe('{"a":1}');
    expect(taken(structured({ data_base64: "aGk=", datacontenttype: "text/plain" })).value).toBe("hi");
    expect(taken(structured({ data_base64: "" })).value).toBe("");
    expect(taken(structured({ data: null })).value).toBe("null");
    expect(taken(structured({}))).toEqual({
      id: "e 1",
      key: null,
      timestampMs: undefined,
      value: null,
      headers: ATTRIBUTES,
    });
  });

  test("a time before 1970 is an attribute, and no timestamp", () => {
    expect(taken(structured({ time: "1969-12-31T23:59:59Z" })).timestampMs).toBeUndefined();
    expect(taken(structured({ time: "1970-01-01t00:00:00.001z" })).timestampMs).toBe(1);
  });

  // biome-ignore format: a table
  test.each([
    [{ id: undefined }, "/id"], [{ source: undefined }, "/source"], [{ type: undefined }, "/type"], [{ specversion: undefined }, "/specversion"],
    [{ specversion: "0.3" }, "/specversion"], [{ specversion: 1 }, "/specversion"], [{ id: "" }, "/id"], [{ id: null }, "/id"], [{ type: { a: 1 } }, "/type"],
    [{ subject: "" }, "/subject"], [{ time: "yesterday" }, "/time"], [{ Ext: "x" }, "/Ext"], [{ "a/b~c": "x" }, "/a~1b~0c"], [{ ext: 1.5 }, "/ext"], [{ ext: [] }, "/ext"],
    [{ ext: "a\u0000b" }, "/ext"], [{ ext: "\ud800" }, "/ext"], [{ datacontenttype: "json" }, "/datacontenttype"],
    [{ data_base64: "a" }, "/data_base64"], [{ data_base64: "-_==" }, "/data_base64"], [{ data_base64: 1 }, "/data_base64"], [{ data_base64: "aGk=", data: 1 }, "/data_base64"],
  ])("%j is refused at %s", (members, pointer) => {
    const checked = structured(members);
    expect(checked).toMatchObject({ isValid: false, code: "invalid_event", pointer });
  });

  test("what is no object, and what is no JSON", () => {
    expect(checkStructuredCloudEvent(encode("[]"), NO_RULES, "the event")).toMatchObject({
      code: "invalid_event",
      pointer: "",
    });
    expect(checkStructuredCloudEvent(encode("{"), NO_RULES, "the event")).toMatchObject({
      code: "invalid_json",
      detail: expect.stringContaining("the event"),
    });
  });
});

test("there is a limit to attributes, in either mode", () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, "1"]));
  const free = MAX_CLOUDEVENT_ATTRIBUTES - Object.keys(REQUIRED).length;
  expect(structured({ ...many(free) }).isValid).toBeTrue();
  const detail = expect.stringContaining("at most 64 attributes");
  expect(structured({ ...many(free + 1) })).toMatchObject({ code: "invalid_event", detail, pointer: "" });
  expect(binary(many(free), "a/b", "x").isValid).toBeTrue();
  expect(binary(many(free + 1), "a/b", "x")).toMatchObject({ code: "invalid_event", detail });
});

describe("binary", () => {
  test("the body is the value, the content type a header", () => {
    expect(taken(binary({ partitionkey: "k" }, "application/json", '{"a": 1}\n'))).toEqual({
      id: "e 1",
      key: "k",
      timestampMs: undefined,
      value: '{"a": 1}\n',
      headers: { ...ATTRIBUTES, ce_partitionkey: "k", "content-type": "application/json" },
    });
    const bytes = Uint8Array.of(0xff, 0x00, 0x0a);
    expect(binary({}, "application/octet-stream", bytes)).toMatchObject({ isValid: true, value: bytes });
    expect(taken(binary({}, null, "")).value).toBeNull();
  });

  test("JSON data must be JSON", () => {
    expect(binary({}, "application/json", "{")).toMatchObject({ code: "invalid_json" });
    expect(binary({}, "application/x+json;charset=utf-8", "{")).toMatchObject({ code: "invalid_json" });
    expect(binary({}, null, "{")).toMatchObject({ code: "invalid_json" });
    expect(binary({}, "text/plain", "{")).toMatchObject({ isValid: true });
  });

  test("a fault names the header", () => {
    expect(binary({ id: "" }, "text/plain", "x")).toMatchObject({ code: "invalid_event", header: "ce-id" });
    expect(binary({ datacontenttype: "a/b" }, "text/plain", "x")).toMatchObject({ header: "content-type" });
    expect(binary({}, "nonsense", "x")).toMatchObject({ header: "content-type" });
    expect(binary({ "a-b": "x" }, "text/plain", "x")).toMatchObject({ header: "ce-a-b" });
  });
});

describe("with schemas", () => {
  /** A schema for every type, that wants no value; it says where it looked. */
  const rules = {
    keyMember: undefined,
    schemaProblem: (type: string | undefined, value: unknown) =>
      type === "unknown"
        ? ({ code: "unknown_event_type", detail: "no schema", pointer: "" } as const)
        : ({ code: "schema_violation", detail: `saw ${JSON.stringify(value)}`, pointer: "/price" } as const),
  };
  const check = (members: object) =>
    checkStructuredCloudEvent(encode(JSON.stringify({ ...REQUIRED, ...members })), rules, "the body");

  test("the pointer leads into what the client sent", () => {
    expect(check({ data: { price: 1 } })).toMatchObject({
      pointer: "/data/price",
      detail: '/data/price: saw {"price":1}',
    });
    expect(check({ type: "unknown" })).toMatchObject({ code: "unknown_event_type", pointer: "/type" });
  });

  test("data in base64 is a value where it is said to be JSON, and no failure where it is something else", () => {
    expect(check({ data_base64: "/9j/" })).toMatchObject({
      code: "schema_violation",
      detail: expect.stringContaining("undefined"),
    });
    expect(check({ data_base64: "" })).toMatchObject({ code: "schema_violation" });
    expect(check({ datacontenttype: "application/json", data_base64: "eyJhIjoxfQ==" }).isValid).toBe(false);
    expect(check({ datacontenttype: "application/json", data_base64: "eyJhIjoxfQ==" })).toMatchObject({
      detail: expect.stringContaining('{"a":1}'),
    });
    expect(structured({ datacontenttype: "application/json", data_base64: "/9j/" })).toMatchObject({
      code: "invalid_json",
    });
  });

  test("base64 of ten megabytes is base64", () => {
    expect(structured({ datacontenttype: "image/png", data_base64: "A".repeat(10_000_000) }).isValid).toBe(true);
    expect(structured({ data_base64: "A".repeat(10_000_001) }).isValid).toBe(false);
  });
});
