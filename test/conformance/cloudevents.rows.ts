/** CloudEvents 1.0 in their three modes, on every path. */
import { bytes, type ExpectedRecord, MANY, ONE, type Row, refuses } from "./row.ts";

const BATCH_TYPE = { "content-type": "application/cloudevents-batch+json" };
const STRUCTURED_TYPE = { "content-type": "application/cloudevents+json; charset=utf-8" };
const attributes = (id: string) => ({ specversion: "1.0", id, source: "/shop", type: "page_view" });
const recordHeaders = (id: string, more: Record<string, string> = {}) => ({
  ce_specversion: "1.0",
  ce_id: id,
  ce_source: "/shop",
  ce_type: "page_view",
  ...more,
});
const JSON_DATA = { "content-type": "application/json" };

interface Change {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly record: Omit<ExpectedRecord, "headers"> & { readonly headers?: Record<string, string> };
}

function ceHeaders(id: string): Record<string, string> {
  const entries = Object.entries(attributes(id)).map(([name, value]) => [`ce-${name}`, value]);
  return Object.fromEntries(entries);
}

function binary(id: string, { path = ONE, headers = JSON_DATA, body = '{"a": 1}', record }: Change): Row {
  const expected = { id, ...record, headers: recordHeaders(id, record.headers) };
  const request = { path, headers: { ...ceHeaders(id), ...headers }, body };
  return {
    name: `binary: ${id}`,
    ...request,
    expect: path === ONE ? { record: expected } : { answers: 202, records: [expected], problems: {} },
  };
}

function structured(id: string, members: string, record: Change["record"], path = ONE): Row {
  const body = `${JSON.stringify(attributes(id)).slice(0, -1)}${members}}`;
  const expected = { id, ...record, headers: recordHeaders(id, record.headers) };
  return {
    name: `structured: ${id}`,
    path,
    headers: STRUCTURED_TYPE,
    body,
    expect: path === ONE ? { record: expected } : { answers: 202, records: [expected], problems: {} },
  };
}

const refusedBinary = (name: string, headers: Record<string, string>, header: string): Row =>
  refuses(
    `binary: ${name}`,
    "{}",
    { code: "invalid_event", header },
    { headers: { ...ceHeaders("x"), ...JSON_DATA, ...headers } },
  );
const refusedStructured = (name: string, change: object, pointer: string): Row =>
  refuses(
    `structured: ${name}`,
    JSON.stringify({ ...attributes("x"), ...change }),
    { code: "invalid_event", pointer },
    { headers: STRUCTURED_TYPE },
  );

// biome-ignore format: a table
export const cloudEventRows: readonly Row[] = [
  binary("ce-json", { record: { value: '{"a": 1}', headers: JSON_DATA } }),
  binary("ce-bytes", { headers: { "content-type": "application/octet-stream" }, body: bytes(0xff, 0, 10), record: { value: bytes(0xff, 0, 10), headers: { "content-type": "application/octet-stream" } } }),
  binary("ce-xml", { headers: { "content-type": "text/xml; charset=utf-8" }, body: "<a>é</a>", record: { value: "<a>é</a>", headers: { "content-type": "text/xml; charset=utf-8" } } }),
  binary("ce-key", { headers: { ...JSON_DATA, "ce-partitionkey": "k-1" }, record: { value: '{"a": 1}', key: "k-1", headers: { ...JSON_DATA, ce_partitionkey: "k-1" } } }),
  binary("ce-key-twice", { path: `${ONE}`, headers: { ...JSON_DATA, "ce-subject": "a%20b%C3%A9%25" }, record: { value: '{"a": 1}', headers: { ...JSON_DATA, ce_subject: "a bé%" } } }),
  binary("ce-quoted", { headers: { ...JSON_DATA, "ce-subject": 'a "b \\"c\\"%20" d' }, record: { value: '{"a": 1}', headers: { ...JSON_DATA, ce_subject: 'a b "c"  d' } } }),
  binary("ce-time", { headers: { ...JSON_DATA, "ce-time": "2026-01-02T03:04:05Z" }, record: { value: '{"a": 1}', timestampMs: Date.parse("2026-01-02T03:04:05Z"), headers: { ...JSON_DATA, ce_time: "2026-01-02T03:04:05Z" } } }),
  binary("ce-batchpath", { path: MANY, record: { value: '{"a": 1}', headers: JSON_DATA } }),
  binary("ce-ndjson", { path: MANY, headers: { "content-type": "application/x-ndjson" }, body: "{}\n{}\n", record: { value: "{}\n{}\n", headers: { "content-type": "application/x-ndjson" } } }),
  binary("ce-topic", { path: "/topics/OTHER/events", record: { value: '{"a": 1}', topic: "other", headers: JSON_DATA } }),
  structured("ces-json", ',"data": {"n":12345678901234567890, "n":1 }', { value: '{"n":12345678901234567890, "n":1 }', headers: JSON_DATA }),
  structured("ces-string", ',"data":"text"', { value: '"text"', headers: JSON_DATA }),
  structured("ces-text", ',"datacontenttype":"text/plain","data":"a\\nb"', { value: "a\nb", headers: { "content-type": "text/plain" } }),
  structured("ces-base64", ',"datacontenttype":"image/png","data_base64":"/wAK"', { value: bytes(0xff, 0, 10), headers: { "content-type": "image/png" } }),
  structured("ces-nodata", "", { value: null }),
  structured("ces-extensions", ',"count":3,"flag":false,"nothing":null,"data":[]', { value: "[]", headers: { ...JSON_DATA, ce_count: "3", ce_flag: "false" } }),
  structured("ces-key", ',"partitionkey":"é","data":1', { value: "1", key: "é", headers: { ...JSON_DATA, ce_partitionkey: "é" } }),
  structured("ces-old", ',"time":"1960-01-01T00:00:00Z","data":1', { value: "1", headers: { ...JSON_DATA, ce_time: "1960-01-01T00:00:00Z" } }),
  structured("ces-many", ',"data":{}', { value: "{}", headers: JSON_DATA }, MANY),
  ...[ONE, MANY].map((path, i): Row => ({
    name: `batched on ${path}`, path, headers: BATCH_TYPE,
    body: `[{"specversion":"1.0","id":"ceb-${i}a","source":"/shop","type":"page_view","data":{"x": 1}}, {"id":"no"}]`,
    expect: { answers: 207, records: [{ id: `ceb-${i}a`, value: '{"x": 1}', headers: recordHeaders(`ceb-${i}a`, JSON_DATA) }], problems: { 1: { code: "invalid_event", pointer: "/source" } } },
  })),
  refuses("batched: no array", JSON.stringify(attributes("x")), { code: "invalid_event", pointer: "" }, { headers: BATCH_TYPE }),
  refuses("batched: empty", "[]", { code: "empty_batch" }, { headers: BATCH_TYPE }),
  refuses("batched: no JSON", "[", { code: "invalid_json" }, { headers: BATCH_TYPE }),

  refusedBinary("no id", { "ce-id": "" }, "ce-id"), refusedBinary("version 0.3", { "ce-specversion": "0.3" }, "ce-specversion"), refusedBinary("a bad time", { "ce-time": "soon" }, "ce-time"),
  refusedBinary("a bad escape", { "ce-subject": "%zz" }, "ce-subject"), refusedBinary("a name with a hyphen", { "ce-a-b": "x" }, "ce-a-b"), refusedBinary("datacontenttype as an attribute", { "ce-datacontenttype": "a/b" }, "content-type"),
  refuses("binary: data that is no JSON", "{", { code: "invalid_json", detail: "the data" }, { headers: { ...ceHeaders("x"), ...JSON_DATA } }),
  refuses("binary: a timestamp an hour ahead", "{}", { code: "invalid_timestamp" }, { headers: { ...ceHeaders("x"), ...JSON_DATA, "ce-time": new Date(Date.now() + 7_200_000).toISOString() } }),
  refusedStructured("no type", { type: undefined }, "/type"), refusedStructured("an empty source", { source: "" }, "/source"), refusedStructured("an attribute in capitals", { Ext: "x" }, "/Ext"),
  refusedStructured("an attribute that is an object", { ext: {} }, "/ext"), refusedStructured("a fraction", { ext: 1.5 }, "/ext"), refusedStructured("both kinds of data", { data: 1, data_base64: "aGk=" }, "/data_base64"),
  refusedStructured("bad base64", { data_base64: "a===" }, "/data_base64"), refusedStructured("a bad content type", { datacontenttype: "json" }, "/datacontenttype"),
  refuses("structured: an array", "[]", { code: "invalid_event", pointer: "" }, { headers: STRUCTURED_TYPE }),
  refuses("structured: another format", "x", { code: "unsupported_media_type" }, { headers: { "content-type": "application/cloudevents+avro" } }),
];
