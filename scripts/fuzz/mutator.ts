/** Requests made out of a corpus of good ones: some as they are, most of them damaged. The same seed makes the same requests. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

export interface FuzzRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const EVENT =
  '{"id":"e","event_type":"page_view","user_id":"u-1","timestamp":"2026-11-22T20:00:00.123+01:00","metadata":{"a":[1,-2.5e3,null,true],"é":"\\u00e9\\n"}}';
const CLOUDEVENT =
  '{"specversion":"1.0","id":"c","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","partitionkey":"k","data":{"x":[1,"]}"]}}';
const ATTRIBUTES = {
  "ce-specversion": "1.0",
  "ce-id": "1",
  "ce-source": "/s",
  "ce-type": "t",
  "ce-time": "2026-01-01T00:00:00Z",
};

/** Request headers as they are typed, and a body that fits them. */
const CORPUS: readonly FuzzRequest[] = [
  one("application/json", EVENT),
  one("text/plain", EVENT),
  one("application/json", `{"a":${"[".repeat(500)}${"]".repeat(500)}}`),
  one("application/cloudevents+json", CLOUDEVENT),
  one("application/cloudevents+json", CLOUDEVENT.replace(/"data":.*$/, '"data_base64":"aGVsbG8="}')),
  one("application/cloudevents-batch+json", `[${CLOUDEVENT},${CLOUDEVENT}]`),
  { path: "/register_event", headers: { "content-type": "application/json", ...ATTRIBUTES }, body: encode('{"d":1}') },
  {
    path: "/register_event?key=k&timestamp=1700000000000&header.a=b",
    headers: { "content-type": "application/json" },
    body: encode(EVENT),
  },
  many("application/json", `[${EVENT}, ${EVENT} ,{"id":"x"}]`),
  many("application/x-ndjson", `${EVENT}\n${EVENT}\r\n\n{"id":"x"}`),
  { ...many("application/jsonl", `${EVENT}\n${EVENT}`), path: "/register_events?results=all&atomic=true" },
  { ...many("application/json", `[${EVENT}]`), path: "/topics/events/events" },
  ...(["gzip", "deflate", "br", "zstd"] as const).map((encoding) => encoded(encoding)),
];

function one(type: string, body: string): FuzzRequest {
  return { path: "/register_event", headers: { "content-type": type }, body: encode(body) };
}

function many(type: string, body: string): FuzzRequest {
  return { path: "/register_events", headers: { "content-type": type }, body: encode(body) };
}

function encoded(encoding: "gzip" | "deflate" | "br" | "zstd"): FuzzRequest {
  const compress = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync }[encoding];
  const request = many("application/x-ndjson", `${EVENT}\n${EVENT}\n`);
  return { ...request, headers: { ...request.headers, "content-encoding": encoding }, body: compress(request.body) };
}

/** What parsers stumble over. */
const TOKENS = [
  '"',
  "\\",
  "\\u",
  "\\ud800",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\n",
  "\r",
  "\0",
  "\ufeff",
  "\u2028",
  "1e999",
  "-",
  "null",
  "__proto__",
  "9".repeat(30),
  "%",
  "\x7f",
].map(encode);

export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): FuzzRequest {
    const request = this.#pick(CORPUS);
    let { body } = request;
    for (let damage = this.#below(4); damage > 0; damage--) body = this.#damage(body);
    const headers = this.#below(10) === 0 ? this.#damageHeaders(request.headers) : request.headers;
    const path = this.#below(10) === 0 ? this.#damagePath(request.path) : request.path;
    return { path, headers, body };
  }

  #damage(body: Uint8Array): Uint8Array {
    const at = this.#below(body.length + 1);
    const [before, after] = [body.subarray(0, at), body.subarray(at)];
    switch (this.#below(8)) {
      case 0:
        return body.map((byte, i) => (i === at ? byte ^ (1 << this.#below(8)) : byte));
      case 1:
        return join(before, this.#pick(TOKENS), after);
      case 2:
        return join(before, Uint8Array.of(this.#below(256)), after);
      case 3:
        return join(before, after.subarray(this.#below(20)));
      case 4:
        return before;
      case 5:
        return join(before, this.#slice(this.#pick(CORPUS).body), after);
      case 6:
        return join(before, this.#slice(body), this.#slice(body), after);
      default:
        // Now and then larger than every limit.
        return this.#below(20) === 0 ? join(...Array.from({ length: this.#below(300) }, () => body)) : join(body, body);
    }
  }

  #damageHeaders(headers: Record<string, string>): Record<string, string> {
    const entries = Object.entries(headers);
    const [name] = this.#pick(entries);
    const other = this.#pick(Object.entries(this.#pick(CORPUS).headers));
    if (this.#below(2) === 0)
      return { ...headers, [name]: this.#pick(["", "x", "application/json; charset=utf-16", other[1], "%zz", "\t"]) };
    return { ...headers, [other[0]]: other[1] };
  }

  #damagePath(path: string): string {
    const extra = this.#pick([
      "?",
      "&key=",
      "?key=%ff",
      "?key=k",
      "?ack=queued",
      "?results=all",
      "?atomic=true",
      "?timestamp=9e9",
      "?header.x=1&header.x=2",
      "/",
      "?__proto__=1",
      "%00",
      "?%",
    ]);
    return path + extra;
  }

  #slice(bytes: Uint8Array): Uint8Array {
    const start = this.#below(bytes.length);
    return bytes.subarray(start, start + this.#below(bytes.length - start + 1));
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  /** Mulberry32, by Tommy Ettinger (public domain). */
  #below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % Math.max(1, end);
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
