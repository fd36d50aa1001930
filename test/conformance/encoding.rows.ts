/** Content encodings. */
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { JSON_TYPE, LINES_TYPE, MANY, ONE, type Row, refuses, takes } from "./row.ts";

const EVENT = '{"id":"gz","s":"é"}';
const encoded = (encoding: string) => ({ ...JSON_TYPE, "content-encoding": encoding });
const u8 = (buffer: Buffer) => new Uint8Array(buffer);
const broken = (name: string, encoding: string, body: Uint8Array): Row =>
  refuses(name, body, { code: "invalid_encoding", header: "content-encoding" }, { headers: encoded(encoding) });

/** A gibibyte of zeros in about a megabyte. */
async function bomb(): Promise<Uint8Array> {
  const gzip = createGzip({ level: 9 });
  const zeros = Buffer.alloc(1 << 24);
  const writing = (async () => {
    for (let i = 0; i < 64; i++) {
      if (!gzip.write(zeros)) await new Promise((resolve) => gzip.once("drain", resolve));
    }
    gzip.end();
  })();
  const chunks: Buffer[] = [];
  for await (const chunk of gzip) chunks.push(chunk as Buffer);
  await writing;
  return u8(Buffer.concat(chunks));
}

const COMPRESSED: readonly (readonly [encoding: string, name: string, body: Uint8Array])[] = [
  ["gzip", "gzip", u8(gzipSync(EVENT))],
  ["x-gzip", "x-gzip", u8(gzipSync(EVENT))],
  ["GZIP", "GZIP in capitals", u8(gzipSync(EVENT))],
  ["deflate", "deflate", u8(deflateSync(EVENT))],
  ["deflate", "bare deflate", u8(deflateRawSync(EVENT))],
  ["br", "br", u8(brotliCompressSync(EVENT))],
  ["zstd", "zstd", u8(zstdCompressSync(EVENT))],
];
const whole = u8(gzipSync(EVENT));
const two = u8(gzipSync('{"id":"e-1"}\n{"id":"e-2"}\n'));

// biome-ignore format: a table
export const encodingRows: readonly Row[] = [
  ...COMPRESSED.map(([encoding, name, body], i): Row => takes(name, body, { headers: encoded(encoding), path: `${ONE}?header.n=${i}`, record: { value: EVENT, id: "gz", headers: { n: String(i) } } })),
  takes("identity", '{"i":1}', { headers: encoded("identity") }),
  takes("gzip in two members", new Uint8Array(Buffer.concat([gzipSync('{"m":'), gzipSync("2}")])), { headers: encoded("gzip"), record: { value: '{"m":2}' } }),
  { name: "lines in gzip", path: MANY, headers: { ...LINES_TYPE, "content-encoding": "gzip" }, body: two, expect: { answers: 202, records: [{ id: "e-1", value: '{"id":"e-1"}' }, { id: "e-2", value: '{"id":"e-2"}' }], problems: {} } },
  broken("gzip cut short", "gzip", whole.subarray(0, whole.length - 5)), broken("zstd cut short", "zstd", u8(zstdCompressSync(EVENT)).subarray(0, -3)), broken("br cut short", "br", u8(brotliCompressSync(EVENT)).subarray(0, -3)),
  broken("deflate cut short", "deflate", u8(deflateSync(EVENT)).subarray(0, -5)), broken("gzip that is none", "gzip", u8(Buffer.from(EVENT))), broken("garbage behind gzip", "gzip", u8(Buffer.concat([whole, Buffer.from("garbage")]))),
  broken("gzip with a wrong checksum", "gzip", whole.map((byte, i) => (i === whole.length - 6 ? byte ^ 1 : byte))), broken("an empty gzip body", "gzip", new Uint8Array(0)), broken("gzip called br", "br", whole),
  refuses("gzip of gzip, said once", u8(gzipSync(gzipSync(EVENT))), { code: "invalid_json" }, { headers: encoded("gzip") }),
  refuses("gzip of gzip, said twice", u8(gzipSync(gzipSync(EVENT))), { code: "unsupported_encoding", header: "content-encoding" }, { headers: encoded("gzip, gzip") }),
  refuses("an encoding nobody knows", "{}", { code: "unsupported_encoding" }, { headers: encoded("compress") }),
  refuses("a bomb: 1 GiB in 1 MiB", await bomb(), { code: "batch_too_large", limit: "max_batch_bytes" }, { path: MANY, headers: encoded("gzip") }),
  refuses("a little bomb for one event", u8(gzipSync(Buffer.alloc(5_000_000))), { code: "event_too_large", limit: "max_event_bytes" }, { headers: encoded("gzip") }),
  refuses("a zstd bomb", u8(zstdCompressSync(Buffer.alloc(100_000_000))), { code: "batch_too_large" }, { path: MANY, headers: encoded("zstd") }),
];
