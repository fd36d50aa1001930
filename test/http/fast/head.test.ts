/** Which heads the fast path reads, and that it reads them as Bun's HTTP server does. */

import { heapStats } from "bun:jsc";
import { afterAll, expect, test } from "bun:test";
import { type Head, HeadReader } from "../../../src/http/fast/head.ts";
import { readIntake } from "../../../src/http/intake.ts";
import { ParameterReader } from "../../../src/http/parameters.ts";
import { Random } from "../../../src/simulate/random.ts";
import { RawClient } from "./raw-client.ts";

const FIELDS = ["Host: sluice:8000", "Content-Type: application/json", "Content-Length: 2"];

function head(fields: readonly string[] = FIELDS, line = "POST /register_event HTTP/1.1"): string {
  return `${[line, ...fields].join("\r\n")}\r\n\r\n`;
}

const read = (text: string) => new HeadReader().read(Buffer.from(text, "latin1"));

function readPlain(text: string): Head {
  const found = read(text);
  if (found === undefined || found === "partial") throw new Error(`not plain: ${text}`);
  return found;
}

// biome-ignore format: a table
const PLAIN: readonly (readonly [what: string, text: string])[] = [
  ["the usual", head()],
  ["with a query", head(FIELDS, "POST /register_event?key=a%20b&header.x=%C3%A4 HTTP/1.1")],
  ["names and values in any case, with any spaces around", head(["hOST:x", "CONTENT-length:\t 2 \t", "X-a:", "x-B: b\tc  d"])],
  ["a name several times", head([...FIELDS, "Accept: a", "accept: b", "ACCEPT: c"])],
  ["kept alive, in so many words", head([...FIELDS, "Connection: Keep-Alive"])],
  ["with a hundred fields", head([...FIELDS, ...Array.from({ length: 97 }, (_, i) => `X-${i}: a`)])],
  ["with a length of nothing", head(["Host: x", "Content-Length: 0"])],
];

for (const [what, text] of PLAIN) {
  test(`plain: ${what}`, () => {
    expect(read(text)).toMatchObject({ text, path: "/register_event", isLast: false });
  });
}

// biome-ignore format: a table
const LAST: readonly (readonly [what: string, text: string])[] = [
  ["asked for", head([...FIELDS, "Connection: close"])],
  ["HTTP/1.0", head(FIELDS, "POST /register_event HTTP/1.0")],
  ["HTTP/1.0, asked for", head([...FIELDS, "connection: CLOSE"], "POST /register_event HTTP/1.0")],
];

for (const [what, text] of LAST) {
  test(`the last of its connection: ${what}`, () => {
    expect(read(text)).toMatchObject({ text, isLast: true });
  });
}

// biome-ignore format: a table
const NOT_PLAIN: readonly (readonly [what: string, text: string])[] = [
  ["another method", head(FIELDS, "GET /register_event HTTP/1.1")],
  ["a method in lower case", head(FIELDS, "post /register_event HTTP/1.1")],
  ["another version", head(FIELDS, "POST /register_event HTTP/1.2")],
  ["a whole address", head(FIELDS, "POST http://sluice/register_event HTTP/1.1")],
  ["a fragment", head(FIELDS, "POST /register_event#a HTTP/1.1")],
  ["two spaces", head(FIELDS, "POST  /register_event HTTP/1.1")],
  ["a path that is not ASCII", head(FIELDS, "POST /register_ev\u00e4nt HTTP/1.1")],
  ["no fields", "POST /register_event HTTP/1.1\r\n\r\n"],
  ["no host", head(["Content-Length: 2"])],
  ["an empty host", head(["Host: ", "Content-Length: 2"])],
  ["two hosts", head(["Host: a", "Host: a", "Content-Length: 2"])],
  ["no length", head(["Host: x"])],
  ["two lengths, even equal ones", head([...FIELDS, "Content-Length: 2"])],
  ["a list of lengths", head(["Host: x", "Content-Length: 2, 2"])],
  ["a length with a sign", head(["Host: x", "Content-Length: +2"])],
  ["a length with a nought before it", head(["Host: x", "Content-Length: 02"])],
  ["a length in hexadecimals", head(["Host: x", "Content-Length: 0x2"])],
  ["a length of a gigabyte", head(["Host: x", "Content-Length: 1073741824"])],
  ["chunks", head(["Host: x", "Transfer-Encoding: chunked"])],
  ["chunks and a length", head([...FIELDS, "Transfer-Encoding: chunked"])],
  ["an expectation", head([...FIELDS, "Expect: 100-continue"])],
  ["an upgrade", head([...FIELDS, "Connection: upgrade", "Upgrade: h2c"])],
  ["a connection with several wishes", head([...FIELDS, "Connection: keep-alive, te"])],
  ["a connection with two lines", head([...FIELDS, "Connection: close", "Connection: keep-alive"])],
  ["HTTP/1.0 kept alive", head([...FIELDS, "Connection: keep-alive"], "POST /register_event HTTP/1.0")],
  ["a space before the colon", head([...FIELDS, "X-A : b"])],
  ["a folded line", head([...FIELDS, "X-A: b\r\n c"])],
  ["a line without a colon", head([...FIELDS, "X-A"])],
  ["an empty name", head([...FIELDS, ": a"])],
  ["line feeds alone", head().replaceAll("\r\n", "\n")],
  ["one line feed alone", head().replace("\r\n", "\n")],
  ["a carriage return in a value", head([...FIELDS, "X-A: a\rb"])],
  ["a NUL in a value", head([...FIELDS, "X-A: a\0b"])],
  ["a value that is not ASCII", head([...FIELDS, "X-A: \u00e4"])],
  ["more than a hundred fields", head([...FIELDS, ...Array.from({ length: 98 }, (_, i) => `X-${i}: a`)])],
  ["a head of 9 KB", head([...FIELDS, `X-A: ${"a".repeat(9000)}`])],
];

for (const [what, text] of NOT_PLAIN) {
  test(`not plain: ${what}`, () => {
    expect(read(text)).toBeUndefined();
  });
}

test("a head that is not all there may become plain, where it begins like one", () => {
  for (let length = 0; length < head().length; length++) expect(read(head().slice(0, length))).toBe("partial");
  for (const text of [
    "G",
    "PUT",
    "post",
    "POSTS",
    "POST /".padEnd(9000, "a"),
    "POST / HTTP/2.0\r\n",
    "POST  /\r\n",
    "POST / HTTP/1.1\r\na: b\n",
  ])
    expect(read(text)).toBeUndefined();
});

test("a head is told from one that only begins like the last", () => {
  const reader = new HeadReader();
  const longer = head([...FIELDS, "X-A: b"]);
  for (const text of [head(), longer, head(), longer])
    expect(reader.read(Buffer.from(`${text}{}`))).toMatchObject({ text });
  expect(reader.read(Buffer.from(head().slice(0, -1)))).toBe("partial");
});

test("fields are found by their whole name, at the beginning of a line", () => {
  const { headers } = readPlain(head([...FIELDS, "X-Key: type: key: 1", "Key: 2", "Keys: 3"]));
  expect([headers.get("key"), headers.get("x-key"), headers.get("type"), headers.get("ey")]).toEqual([
    "2",
    "type: key: 1",
    null,
    null,
  ]);
});

test("what an event keeps of a head does not keep the rest of it", () => {
  const parameters = new ParameterReader("all");
  const reader = new HeadReader();
  const mb = () => {
    Bun.gc(true);
    return heapStats().extraMemorySize / (1 << 20);
  };
  const before = mb();
  const kept = Array.from({ length: 4000 }, (_, i) => {
    const trace = `traceparent: 00-${String(i).padStart(32, "a")}-${"b".repeat(16)}-01`;
    const text = head([...FIELDS, trace, `tracestate: a=${i}`, `X-Long: ${"x".repeat(7000)}`]);
    const found = reader.read(Buffer.from(text));
    if (found === undefined || found === "partial") throw new Error("not plain");
    const intake = readIntake(found.target, found.headers, { topic: "events", shape: "one" }, parameters);
    return "code" in intake ? undefined : intake.headers;
  });
  expect(mb() - before).toBeLessThan(5);
  expect(kept.at(-1)?.map(([name]) => name)).toEqual(["traceparent", "tracestate"]);
});

test("a long line that is not plain takes no time", () => {
  const started = performance.now();
  for (const filler of [" ", "\t", "a", "a ", ":", "\u00e4", "%"])
    read(head([...FIELDS, `X: ${filler.repeat(8000 / filler.length)}\u0001`]));
  expect(performance.now() - started).toBeLessThan(500);
});

/** What Bun's server makes of requests. */
const bun = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request) =>
    Response.json({ url: request.url, headers: [...request.headers].sort(), body: await request.text() }),
});
afterAll(() => bun.stop(true));

const BITS = [
  "\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  ":",
  ",",
  "a",
  "A",
  "1",
  "0",
  "-",
  "%",
  "%41",
  "?",
  "&",
  "=",
  "#",
  "/",
  "\\",
  '"',
  "<",
  "\0",
  "\u00e4",
  "\u007f",
  "close",
  "keep-alive",
  "chunked",
  "Host: y\r\n",
  "Content-Length: 2\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "X: y\r\n",
  "HTTP/1.0",
  "?key=a&x=%zz",
];

function mutated(random: Random): string {
  let text = random.pick([...PLAIN, ...LAST])[1];
  for (let i = random.between(0, 3); i >= 0; i--) {
    const at = random.between(0, text.length - 5);
    text = text.slice(0, at) + random.pick(BITS) + text.slice(at + random.between(0, 2));
  }
  return text;
}

test("of thousands of mangled heads, those that are plain are read as Bun's server reads them", async () => {
  const random = new Random(20_261_128);
  const parameters = new ParameterReader("all");
  let plain = 0;
  for (let i = 0; i < 8000; i++) {
    const text = mutated(random);
    const found = read(text);
    if (found === undefined || found === "partial") continue;
    if (found.path !== "/register_event" || found.contentLength > 9999) continue;
    plain++;
    const body = "b".repeat(found.contentLength);
    const client = await RawClient.connect(bun.port!);
    client.send(found.text + body);
    const answer = await client.answer();
    client.cut();
    expect({ text, status: answer.status }).toEqual({ text, status: 200 });
    const { url, headers, body: got } = JSON.parse(answer.body) as { url: string; headers: unknown; body: string };
    expect({ text, body: got, headers }).toEqual({ text, body, headers: [...found.headers].sort() });
    expect(parameters.read(found.target, "one")).toEqual(parameters.read(url, "one"));
  }
  expect(plain).toBeGreaterThan(500);
}, 60_000);
