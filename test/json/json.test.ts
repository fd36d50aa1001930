import { describe, expect, test } from "bun:test";
import {
  isJson,
  isPlainText,
  jsonFaultAt,
  jsonStringBound,
  jsonToOneLine,
  MAX_JSON_DEPTH,
  writeJsonString,
} from "../../src/json/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const bytesOf = (value: string | readonly number[]) =>
  typeof value === "string" ? encoder.encode(value) : Uint8Array.from(value);
const valid = (value: string | readonly number[]) => isJson(bytesOf(value), 0, bytesOf(value).length);
const quoted = (...inner: number[]) => [0x22, ...inner, 0x22];

/** What the scanner must agree with: fatal decoding, then `JSON.parse`. */
function oracle(bytes: Uint8Array): boolean {
  try {
    JSON.parse(decoder.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

// biome-ignore format: a table
const VALID = [
  "null", "true", "false", "0", "-0", "1", "-1", "10", "0.0", "-0.5", "1e400", "1E+2", "1e-2", "0e0", "0E+00", "123456789012345678901234567890",
  '""', '"a"', '"\\u0000"', '"\\uD800"', '"\\udc00\\ud800"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\u007f"', '"\u2028\u2029"', '"é€𝄞"', '"\u{10ffff}"', '"\ufeff"',
  "[]", "[ ]", "{}", "{ }", "[1]", "[1,2]", "[[],{}]", '{"a":1}', '{"a":1,"a":2}', '{"":{}}', '{"a":[{"b":null}],"c":"d"}', " \t\r\n1 \t\r\n", '\n{\r\n"a"\n:\n[\n]\n,"b":1\n}\n',
];

// biome-ignore format: a table
const INVALID = [
  "", " ", "\n", "nul", "nulll", "True", "NaN", "Infinity", "-", "+1", "01", "-01", "00", "1.", ".5", "1.e2", "1e", "1e+", "0x1", "1_0", "1 2", "--1", "1e1.5",
  '"', '"a', "'a'", '"\\', '"\\u12"', '"\\u12G4"', '"\\x41"', '"\\u 123"', '"a\nb"', '"a\tb"', '"a\u0000b"', '"\u001f"', '"a"b',
  "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{1:2}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{,"a":1}', '{"a" 1}', '{"a":1]', '{"a":1 "b":2}', '{a:1}', '{"a"::1}', '{"a":}',
  "{}{}", "[]]", "1,", "/**/1", "1//", "\ufeff1", "\u00a01", "\u000b1", "\u000c1", "\u00001", "1\u0000", "\u2028", "undefined",
];

// biome-ignore format: a table
const INVALID_BYTES = [
  [0xff], [0xef, 0xbb, 0xbf, 0x31], quoted(0x80), quoted(0xbf), quoted(0xc0, 0x80), quoted(0xc1, 0xbf), quoted(0xc2), quoted(0xc2, 0x22), quoted(0xe0, 0x80, 0x80), quoted(0xe0, 0x9f, 0xbf),
  quoted(0xed, 0xa0, 0x80), quoted(0xed, 0xbf, 0xbf), quoted(0xe2, 0x82), quoted(0xf0, 0x80, 0x80, 0x80), quoted(0xf0, 0x8f, 0xbf, 0xbf), quoted(0xf4, 0x90, 0x80, 0x80), quoted(0xf5, 0x80, 0x80, 0x80),
  quoted(0xf0, 0x9d, 0x84), quoted(0xf8, 0x88, 0x80, 0x80, 0x80), [0x22, 0xe2, 0x82, 0xac], [0x31, 0x80],
];

describe("isJson", () => {
  test.each(VALID)("accepts %j", (text) => {
    expect(oracle(bytesOf(text))).toBe(true);
    expect(valid(text)).toBe(true);
  });

  test.each(INVALID)("refuses %j", (text) => {
    expect(oracle(bytesOf(text))).toBe(false);
    expect(valid(text)).toBe(false);
  });

  test.each(INVALID_BYTES.map((bytes) => [Buffer.from(bytes).toString("hex"), bytes] as const))(
    "refuses bytes %s",
    (_hex, bytes) => {
      expect(oracle(Uint8Array.from(bytes))).toBe(false);
      expect(valid(bytes)).toBe(false);
    },
  );

  test("looks at nothing outside of its range", () => {
    const bytes = encoder.encode('x"é\\u00e9"12');
    expect(isJson(bytes, 1, 11)).toBe(true);
    for (let end = 2; end < 11; end++) expect(isJson(bytes, 1, end)).toBe(false);
    expect(isJson(bytes, 11, 12)).toBe(true);
    expect(isJson(bytes, 11, 11)).toBe(false);
    expect(isJson(encoder.encode("true"), 0, 3)).toBe(false);
    expect(isJson(encoder.encode("-1"), 0, 1)).toBe(false);
  });

  test("nests without recursion, up to its limit", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
      ['[{"a":', "}]"],
    ] as const) {
      const levels = open.length > 5 ? 2 : 1;
      const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
      expect(valid(nested(10_000))).toBe(true);
      expect(valid(nested(MAX_JSON_DEPTH / levels))).toBe(true);
      expect(valid(nested(MAX_JSON_DEPTH / levels + 1))).toBe(false);
      expect(valid(open.repeat(1_000_000))).toBe(false);
    }
    // A level's kind is remembered past the 32 bits of one word.
    expect(valid(`${"[".repeat(40)}{${"}"}${"]".repeat(40)}`)).toBe(true);
    expect(valid(`${"[".repeat(40)}${"]".repeat(39)}}`)).toBe(false);
  });

  test("agrees with JSON.parse on mutated documents", () => {
    const random = seeded(20_251_122);
    const seeds = [
      ...VALID,
      JSON.stringify({ id: "0198", n: -1.5e-7, list: [true, null, { "ü\n": "\u2028" }], empty: {} }, null, 1),
    ];
    const pieces = [
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "0",
      "1",
      "-",
      ".",
      "e",
      "\n",
      " ",
      "\\u",
      "é",
      "€",
      "𝄞",
      "t",
      "\u0000",
    ].map(bytesOf);
    let [accepted, refused] = [0, 0];
    for (let round = 0; round < 40_000; round++) {
      const mutated = mutate(bytesOf(seeds[random(seeds.length)]!), pieces, random);
      const expected = oracle(mutated);
      if (isJson(mutated, 0, mutated.length) !== expected)
        throw new Error(`${Buffer.from(mutated).toString("hex")}: JSON.parse says ${expected}`);
      if (expected) accepted++;
      else refused++;
    }
    expect(accepted).toBeGreaterThan(2000);
    expect(refused).toBeGreaterThan(2000);
  });
});

describe("jsonToOneLine", () => {
  test("turns raw line breaks into spaces and touches nothing else", () => {
    const text = '\r\n{\n"a\\n\u2028" :\r1,\n\t"b":[ \n]}\n';
    const bytes = encoder.encode(`\n${text}\n`);
    expect(jsonToOneLine(bytes, 1, bytes.length - 1)).toBe(true);
    expect(decoder.decode(bytes)).toBe(`\n${text.replaceAll(/[\r\n]/g, " ")}\n`);
  });

  test("says no where isJson does", () => {
    for (const text of INVALID) expect(jsonToOneLine(bytesOf(text), 0, bytesOf(text).length)).toBe(false);
    for (const bytes of INVALID_BYTES) expect(jsonToOneLine(Uint8Array.from(bytes), 0, bytes.length)).toBe(false);
  });
});

describe("writeJsonString", () => {
  function written(text: Uint8Array): string | undefined {
    const target = new Uint8Array(3 + jsonStringBound(text.length));
    const end = writeJsonString(text, target, 3);
    expect(end).toBeLessThanOrEqual(target.length);
    return end < 0 ? undefined : decoder.decode(target.subarray(3, end));
  }

  test("writes what JSON.stringify writes", () => {
    const controls = String.fromCharCode(...Array.from({ length: 0x80 }, (_, i) => i));
    for (const text of ["", "plain", controls, '"\\"', "é€𝄞\u2028\ufeff", "\u{10ffff}"])
      expect(written(encoder.encode(text))).toBe(JSON.stringify(text));
  });

  test("refuses what is not UTF-8", () => {
    for (const bytes of [[0x80], [0x61, 0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
      expect(written(Uint8Array.from(bytes))).toBeUndefined();
  });
});

test("isPlainText is for ASCII without escapes", () => {
  expect(isPlainText(encoder.encode('"a b~\u007f"'), 1, 6)).toBe(true);
  for (const text of ['"', "\\", "\n", "\u0000", "é"]) expect(isPlainText(encoder.encode(text), 0, 1)).toBe(false);
});

function mutate(seed: Uint8Array, pieces: readonly Uint8Array[], random: (below: number) => number): Uint8Array {
  let bytes = seed;
  for (let times = random(4); times > 0; times--) {
    const at = random(bytes.length + 1);
    const cut = random(3) === 0 ? random(3) : 0;
    const piece =
      random(8) === 0
        ? Uint8Array.of(random(256))
        : random(2) === 0
          ? new Uint8Array(0)
          : pieces[random(pieces.length)]!;
    bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + cut)]);
  }
  return bytes;
}

function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

test("jsonFaultAt names the token that is wrong, and -1 for JSON", () => {
  const at = (text: string) => jsonFaultAt(new TextEncoder().encode(text));
  for (const good of ["{}", " [1, 2] ", '"x"', "0"]) expect([good, at(good)]).toEqual([good, -1]);
  for (const [bad, fault] of [
    ["", 0],
    ["  ", 2],
    ["{", 1],
    ["{a:1}", 1],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ["[1 2]", 3],
    ["{}x", 2],
    ["[01]", 2],
    ['["\\q"]', 1],
  ] as const) {
    expect([bad, at(bad)]).toEqual([bad, fault]);
  }
});
