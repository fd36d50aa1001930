import { describe, expect, test } from "bun:test";
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  type InputType,
  zstdCompressSync,
} from "node:zlib";
import { decode, type Encoding, encodingOf } from "../../src/http/encoding.ts";

/** Its default quality takes seconds for what these tests compress. */
const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
const compressors: readonly [string, Encoding, (bytes: InputType) => Uint8Array][] = [
  ["gzip", "gzip", gzipSync],
  ["zstd", "zstd", zstdCompressSync],
  ["br", "br", (bytes) => brotliCompressSync(bytes, QUICK)],
  ["deflate", "deflate", deflateSync],
  ["deflate without zlib's header", "deflate", deflateRawSync],
];

describe.each(compressors)("%s", (_name, encoding, compress) => {
  test("is decoded up to the limit, and not a byte past it", async () => {
    const text = Buffer.from(`{"a":"${"é".repeat(10_000)}"}`);
    expect(await decode(encoding, compress(text), text.length)).toEqual(new Uint8Array(text));
    expect(await decode(encoding, compress(text), text.length - 1)).toBe("too_large");
    expect(await decode(encoding, compress(Buffer.alloc(64 << 20)), 1 << 20)).toBe("too_large");
    expect(await decode(encoding, compress(Buffer.alloc(0)), 10)).toEqual(new Uint8Array(0));
  });

  test("with something behind its end is broken", async () => {
    const behind = Buffer.concat([compress(Buffer.from("one")), Buffer.from("two")]);
    expect(await decode(encoding, behind, 100)).toBe("broken");
  });

  test("that was cut off anywhere, or is something else, is broken", async () => {
    const whole = compress(Buffer.from("a line\nand another ".repeat(20)));
    for (let length = 0; length < whole.length; length++)
      expect([length, await decode(encoding, whole.subarray(0, length), 10_000)]).toEqual([length, "broken"]);
    expect(await decode(encoding, Buffer.from('{"not":"compressed"}'), 10_000)).toBe("broken");
  });
});

test("several members, one after another, are one body; garbage behind is broken", async () => {
  for (const compress of [gzipSync, zstdCompressSync]) {
    const encoding = compress === gzipSync ? "gzip" : "zstd";
    const [a, b] = [compress(Buffer.from("a")), compress(Buffer.from("b"))];
    expect(await decode(encoding, Buffer.concat([a, b]), 10)).toEqual(new Uint8Array(Buffer.from("ab")));
    expect(await decode(encoding, Buffer.concat([a, Buffer.from("garbage!")]), 10)).toBe("broken");
  }
});

// biome-ignore format: a table
test.each([
  [undefined, undefined], ["gzip", "gzip"], [" GZIP ", "gzip"], ["x-gzip", "gzip"], ["br", "br"], ["zstd", "zstd"], ["deflate", "deflate"], ["identity", undefined],
] as const)("Content-Encoding: %p", (value, expected) => {
  expect(encodingOf(new Headers(value === undefined ? {} : { "content-encoding": value }))).toBe(expected as never);
});

test("what is not known, or several at once, is refused", () => {
  for (const value of ["compress", "gzip, gzip", "toString"])
    expect(encodingOf(new Headers({ "content-encoding": value }))).toMatchObject({
      code: "unsupported_encoding",
      header: "content-encoding",
    });
});
