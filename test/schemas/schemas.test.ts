import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SchemaSet } from "../../src/schemas/index.ts";
import { keptLog, until } from "../consume/support.ts";

let folder: string;
let sets: SchemaSet[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-schemas-"));
  sets = [];
});
afterEach(() => {
  for (const set of sets) set.close();
  rmSync(folder, { recursive: true, force: true });
});

const put = (name: string, schema: unknown) =>
  writeFileSync(join(folder, name), typeof schema === "string" ? schema : JSON.stringify(schema));
const PRICE = {
  type: "object",
  properties: { price: { type: "number", minimum: 1 } },
  required: ["price"],
};

function open(unknown: "take" | "refuse" = "take") {
  const { log, lines } = keptLog();
  const set = new SchemaSet({ folder, unknown, log });
  sets.push(set);
  return { set, said: (word: string) => lines.filter(({ msg }) => String(msg).includes(word)) };
}

describe("a fault names pointer and rule", () => {
  // biome-ignore format: a table
  test.each([
    [PRICE, { price: 0 }, "/price", "#/properties/price/minimum"], [PRICE, {}, "/price", "#/required"], [PRICE, { price: "1" }, "/price", "#/properties/price/type"],
    [{ type: "object", properties: {}, additionalProperties: false }, { "a/b~c": 1 }, "/a~1b~0c", "#/additionalProperties"],
    [{ type: "object", properties: {}, unevaluatedProperties: false }, { x: 1 }, "/x", "#/unevaluatedProperties"],
    [{ type: "object", properties: { l: { type: "array", items: { type: "integer" } } } }, { l: [1, "2"] }, "/l/1", "#/properties/l/items/type"],
    [{ type: "object", properties: { at: { type: "string", format: "date-time" } } }, { at: "now" }, "/at", "#/properties/at/format"],
  ])("%j, %j", (schema, value, pointer, place) => {
    put("t.json", schema);
    expect(open().set.check("t", value)).toMatchObject({ code: "schema_violation", pointer, rule: `t.json${place}` });
  });

  test("and none is none", () => {
    put("t.json", PRICE);
    expect(open().set.check("t", { price: 1, more: true })).toBeUndefined();
  });
});

test("types without a schema are taken, refused, or held against the default", () => {
  put("t.json", PRICE);
  expect(open("take").set.check("other", {})).toBeUndefined();
  const { set } = open("refuse");
  for (const type of ["other", "__proto__", "constructor", "../t", "t.json", "_default"])
    expect(set.check(type, { price: 1 })).toMatchObject({ code: "unknown_event_type", pointer: "" });
  expect(set.check(undefined, {})).toMatchObject({ code: "unknown_event_type", pointer: "" });
  put("_default.json", { type: "object", required: ["event_type"] });
  const withDefault = open("refuse").set;
  expect(withDefault.check("other", {})).toMatchObject({ rule: "_default.json#/required", pointer: "/event_type" });
  expect(withDefault.check(undefined, { event_type: "x" })).toBeUndefined();
  expect(withDefault.check("t", { price: 2 })).toBeUndefined();
});

test("files refer to each other by $id", () => {
  put("money.json", { $id: "https://example.org/money", type: "integer", minimum: 0 });
  put("order.json", { type: "object", properties: { total: { $ref: "https://example.org/money" } } });
  expect(open().set.check("order", { total: -1 })).toMatchObject({ pointer: "/total" });
  expect(open().set.check("order", { total: 1 })).toBeUndefined();
});

describe("a folder that is not right at the start is an error that names the file", () => {
  // biome-ignore format: a table
  test.each([
    ["{", "t.json"], ["[]", "a JSON object"], [{ type: "objekt" }, "t.json"], [{ $schema: "http://json-schema.org/draft-07/schema#" }, "2020-12"],
    [{ $ref: "https://example.org/nowhere" }, "nowhere"], [{ type: "object", properites: {} }, "properites"],
  ])("%j", (schema, word) => {
    put("t.json", schema);
    expect(() => open()).toThrow(word);
  });

  test("no folder", () => {
    rmSync(folder, { recursive: true });
    expect(() => open()).toThrow("cannot be read");
  });
});

test("other files are passed over, and that is said", () => {
  put("t.json", PRICE);
  put("readme.md", "#");
  put(".t.json.swp", "x");
  mkdirSync(join(folder, "sub.json"));
  const { said } = open();
  expect(said("passed over")[0]).toMatchObject({ files: expect.arrayContaining(["readme.md", "sub.json"]) });
});

test("the set follows its folder: changed, replaced, broken, gone, new", async () => {
  put("t.json", PRICE);
  const { set, said } = open("refuse");
  const fails = (type: string, value: unknown) => set.check(type, value)?.code;
  put("t.json", { ...PRICE, required: [] });
  await until("the change", () => fails("t", {}) === undefined);
  put("t.tmp", PRICE);
  renameSync(join(folder, "t.tmp"), join(folder, "t.json"));
  await until("the replacement", () => fails("t", {}) === "schema_violation");
  put("t.json", "{");
  await until("the report", () => said("is broken").length > 0);
  expect(said("is broken")[0]).toMatchObject({ file: "t.json", msg: expect.stringContaining("stays in force") });
  expect(fails("t", {})).toBe("schema_violation");
  put("u.json", PRICE);
  await until("the new one", () => fails("u", { price: 1 }) === undefined);
  expect(fails("t", { price: 1 })).toBeUndefined();
  rmSync(join(folder, "t.json"));
  await until("the removal", () => fails("t", { price: 1 }) === "unknown_event_type");
});

test("a thousand types", () => {
  for (let i = 0; i < 1000; i++) put(`t${i}.json`, { type: "object", properties: { n: { const: i } } });
  const { set } = open();
  expect(set.check("t999", { n: 999 })).toBeUndefined();
  expect(set.check("t999", { n: 1 })).toMatchObject({ pointer: "/n" });
});

test("a schema that would answer with a promise is refused; a value deeper than the stack is a violation, not a failure", () => {
  put("a.json", '{"$async":true,"type":"object"}');
  expect(() => open("take")).toThrow("$async");
  rmSync(join(folder, "a.json"));
  put("t.json", '{"$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}');
  let value: unknown = {};
  for (let depth = 0; depth < 200_000; depth++) value = { n: value };
  expect(open("take").set.check("t", value)).toMatchObject({ code: "schema_violation" });
});
