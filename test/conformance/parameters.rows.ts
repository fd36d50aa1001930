/** Query parameters and what comes along in headers. */
import { JSON_TYPE, MANY, ONE, type Row, refuses, takes } from "./row.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const wrong = (name: string, query: string, parameter: string): Row =>
  refuses(name, "{}", { code: "invalid_parameter", parameter }, { path: `${ONE}?${query}` });
const wrongMany = (name: string, query: string, parameter: string): Row =>
  refuses(name, "[{}]", { code: "invalid_parameter", parameter }, { path: `${MANY}?${query}` });
const traced = (name: string, headers: Record<string, string>, kept: Record<string, string>): Row =>
  takes(name, "{}", { headers: { ...JSON_TYPE, ...headers }, record: { headers: kept } });

// biome-ignore format: a table
export const parameterRows: readonly Row[] = [
  takes("a key", '{"p":1}', { path: `${ONE}?key=user%201+%C3%A9`, record: { key: "user 1 é" } }),
  takes("a key with = and &", '{"p":2}', { path: `${ONE}?key=a%3Db%26=c`, record: { key: "a=b&=c" } }),
  takes("a question mark alone", '{"p":3}', { path: `${ONE}?` }),
  takes("a timestamp in ms", '{"p":4}', { path: `${ONE}?timestamp=1700000000123`, record: { timestampMs: 1_700_000_000_123 } }),
  takes("a timestamp as in RFC 3339", '{"p":5}', { path: `${ONE}?timestamp=2026-01-02T03:04:05.678%2B01:00`, record: { timestampMs: Date.parse("2026-01-02T02:04:05.678Z") } }),
  takes("the first moment", '{"p":6}', { path: `${ONE}?timestamp=1`, record: { timestampMs: 1 } }),
  takes("record headers", '{"p":7}', { path: `${ONE}?header.source=web&header.x-Y.z=%C3%A9`, record: { headers: { source: "web", "x-Y.z": "é" } } }),
  takes("an empty record header", '{"p":8}', { path: `${ONE}?header.e=`, record: { headers: { e: "" } } }),
  takes("ack=all", '{"p":9}', { path: `${ONE}?ack=all` }),
  { name: "ack=queued", path: `${ONE}?ack=queued`, headers: JSON_TYPE, body: '{"id":"queued-1"}', expect: { status: "queued", record: { id: "queued-1", value: '{"id":"queued-1"}' } } },
  takes("the key member", '{"user_id":"u-7"}', { server: "keyed", record: { key: "u-7" } }),
  takes("?key= before the key member", '{"user_id":"u-7"}', { server: "keyed", path: `${ONE}?key=k`, record: { key: "k" } }),
  takes("no key member", '{"other":1}', { server: "keyed" }),

  wrong("a misspelt parameter", "kye=1", "kye"), wrong("a key twice", "key=a&key=b", "key"), wrong("an empty key", "key=", "key"),
  wrong("a key that is not UTF-8", "key=%ff", "key"), wrong("a bad escape", "key=%zz", "key"), wrong("another ack", "ack=none", "ack"),
  wrong("a timestamp that is none", "timestamp=soon", "timestamp"), wrong("a timestamp before 1970", "timestamp=1960-01-01T00:00:00Z", "timestamp"),
  wrong("a timestamp of 0", "timestamp=0", "timestamp"), wrong("a negative timestamp", "timestamp=-5", "timestamp"), wrong("results on one event", "results=all", "results"), wrong("atomic on one event", "atomic=true", "atomic"),
  wrong("the record header id", "header.id=x", "header.id"), wrong("a ce_ record header", "header.ce_type=x", "header.ce_type"), wrong("a header without a name", "header.=x", "header."),
  wrong("33 record headers", Array.from({ length: 33 }, (_, i) => `header.h${i}=x`).join("&"), "header.h32"), wrong("__proto__", "__proto__=1", "__proto__"),
  wrongMany("a key on a batch", "key=a", "key"), wrongMany("a record header on a batch", "header.a=1", "header.a"), wrongMany("atomic=1", "atomic=1", "atomic"), wrongMany("results=some", "results=some", "results"),
  refuses("a timestamp over an hour ahead", "{}", { code: "invalid_timestamp" }, { path: `${ONE}?timestamp=${Date.now() + 2 * 3_600_000}` }),
  refuses("a parameter is wrong before the body is", "not json", { code: "invalid_parameter", parameter: "kye" }, { path: `${ONE}?kye=1` }),

  traced("traceparent and tracestate", { traceparent: TRACE, tracestate: "a=1,b=2" }, { traceparent: TRACE, tracestate: "a=1,b=2" }),
  traced("traceparent alone", { traceparent: TRACE }, { traceparent: TRACE }),
  traced("tracestate alone", { tracestate: "a=1" }, {}),
  traced("a traceparent that is none", { traceparent: "00-1-2-3", tracestate: "a=1" }, {}),
  traced("a traceparent of zeros", { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` }, {}),
  traced("a tracestate that is too long", { traceparent: TRACE, tracestate: `a=${"x".repeat(600)}` }, { traceparent: TRACE }),
];
