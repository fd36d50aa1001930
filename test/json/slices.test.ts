import { describe, expect, test } from "bun:test";
import { arrayElements, objectMembers } from "../../src/json/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const elements = (json: string) =>
  arrayElements(encoder.encode(json), 1000)?.slices.map((slice) => decoder.decode(slice));
const members = (json: string) => {
  const found = objectMembers(encoder.encode(json));
  return found && Object.fromEntries(Array.from(found, ([name, slice]) => [name, decoder.decode(slice)]));
};

describe("the elements of an array are its own bytes", () => {
  // biome-ignore format: a table
  test.each([
    ["[]", []], [" [ \r\n\t] ", []], ["[1]", ["1"]], ["[ 1 , -2e5\t,true,null ]", ["1", "-2e5", "true", "null"]],
    ['["a,b","]","\\"","\\\\",""]', ['"a,b"', '"]"', '"\\""', '"\\\\"', '""']],
    ['[{"a":[1,{"b":"}"}]},[[]],{}]', ['{"a":[1,{"b":"}"}]}', "[[]]", "{}"]],
    ["[12345678901234567890,1e400]", ["12345678901234567890", "1e400"]],
    ['[{"a":1,\n"a":2}]', ['{"a":1,\n"a":2}']], ['["é\\u00e9𝄞"]', ['"é\\u00e9𝄞"']],
  ])("%j", (json, expected) => {
    expect(elements(json)).toEqual(expected);
  });

  test("of anything else there are none", () => {
    for (const json of ["{}", "1", '"[]"', " null"]) expect(elements(json)).toBeUndefined();
  });

  test("however deep", () => {
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    expect(elements(`[${deep},1]`)).toEqual([deep, "1"]);
  });
});

test("the members of an object are its own bytes, by their names; the last of a name counts", () => {
  expect(members('{ "a" : 1 , "b":{"c":[1,2]},"\\u0064":" x ","a":[ ] }')).toEqual({
    a: "[ ]",
    b: '{"c":[1,2]}',
    d: '" x "',
  });
  expect(members("{}")).toEqual({});
  expect(members("[]")).toBeNull();
  expect(Array.from(objectMembers(encoder.encode('{"__proto__":1,"":2}'))!.keys())).toEqual(["__proto__", ""]);
});

test("what was cut out, put together again, is what JSON.parse sees", () => {
  let seed = 42;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const value = (depth: number): unknown => {
    switch (random(depth > 4 ? 4 : 6)) {
      case 0:
        return random(1000) - 500;
      case 1:
        return ['"', "\\", "],[", "}{", ":,", "é\n\u0000"].slice(0, random(7)).join("");
      case 2:
        return null;
      case 3:
        return random(2) === 0;
      case 4:
        return Array.from({ length: random(5) }, () => value(depth + 1));
      default:
        return Object.fromEntries(Array.from({ length: random(5) }, (_, i) => [`k"${i}`, value(depth + 1)]));
    }
  };
  for (let i = 0; i < 2000; i++) {
    const array = Array.from({ length: random(6) }, () => value(0));
    const json = JSON.stringify(array, null, random(3));
    expect(elements(json)!.map((slice) => JSON.parse(slice))).toEqual(array);
    const object = Object.fromEntries(array.map((item, index) => [`m${index}`, item]));
    const cut = members(JSON.stringify(object, null, random(3)))!;
    expect(Object.fromEntries(Object.entries(cut).map(([k, v]) => [k, JSON.parse(v!)]))).toEqual(object);
  }
});
