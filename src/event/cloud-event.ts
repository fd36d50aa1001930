/**
 * CloudEvents 1.0.2, as records in the Kafka protocol binding's binary mode: attributes as `ce_*` headers, `datacontenttype` as
 * `content-type`, data as the value, `partitionkey` as the key.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
import { isJson, objectMembers } from "../json/index.ts";
import {
  type Checked,
  type EventDraft,
  type EventProblem,
  type EventRules,
  heldAgainstSchema,
  problem,
  type RecordHeader,
} from "./draft.ts";
import { isObject, jsonProblem, nameOf, parseJson } from "./parse.ts";
import { isRfc3339 } from "./rfc3339.ts";

const REQUIRED = ["id", "source", "specversion", "type"] as const;
/** Each becomes a record header, at some microseconds: without a limit, one body of short ones would keep everybody waiting for seconds. */
export const MAX_CLOUDEVENT_ATTRIBUTES = 64;
const ATTRIBUTE_NAME = /^[a-z0-9]+$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(?:;.*)?$/;
const JSON_TYPE = /^[^;]*[/+]json\s*(?:;|$)/i;
/** Together with a length of whole groups. A pattern with the groups in it gives up on long texts. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** An attribute that is wrong, before it is known where the client wrote it. */
interface Fault {
  readonly attribute: string;
  readonly detail: string;
}

/** Binary mode: `attributes` are the `ce-` headers without that prefix, decoded; data is the body. */
export function checkBinaryCloudEvent(
  attributes: ReadonlyMap<string, string>,
  contentType: string | null,
  body: Uint8Array,
  rules: EventRules,
): Checked {
  if (attributes.size > MAX_CLOUDEVENT_ATTRIBUTES) return tooManyAttributes(attributes.size);
  const all = new Map(attributes);
  if (all.has("datacontenttype"))
    return headerProblem({ attribute: "datacontenttype", detail: "is said by Content-Type in binary mode" });
  if (contentType !== null) all.set("datacontenttype", contentType);
  const fault = faultOf(all);
  if (fault) return headerProblem(fault);
  if (body.byteLength > 0 && isJsonType(all) && !isJson(body, 0, body.byteLength))
    return jsonProblem(body, undefined, "the data");
  const data = body.byteLength === 0 ? null : body;
  const isValue = rules.schemaProblem !== undefined && data !== null && isJsonType(all);
  return finished(all, data, rules, { value: isValue ? parseJson(data) : undefined, at: "", typeAt: "" });
}

/** Structured mode, or an element of a batch: one JSON object with attributes and data. `what` names the bytes in a message. */
export function checkStructuredCloudEvent(bytes: Uint8Array, rules: EventRules, what: string): Checked {
  let event: unknown;
  try {
    event = parseJson(bytes);
  } catch (cause) {
    return jsonProblem(bytes, cause, what);
  }
  if (!isObject(event)) return problem("invalid_event", `a CloudEvent is a JSON object, not ${nameOf(event)}`, "");
  const members = Object.entries(event);
  if (members.length > MAX_CLOUDEVENT_ATTRIBUTES) return tooManyAttributes(members.length, "");
  const attributes = new Map<string, string>();
  for (const [name, value] of members) {
    if (name === "data" || name === "data_base64" || value === null) continue;
    const text = attributeText(value);
    if (text === undefined)
      return memberProblem({ attribute: name, detail: `must be text, a boolean or an integer, not ${nameOf(value)}` });
    attributes.set(name, text);
  }
  const fault = faultOf(attributes);
  if (fault) return memberProblem(fault);
  const data = dataOf(event, attributes, bytes);
  if (data !== null && "code" in data) return data;
  if (data !== null && !attributes.has("datacontenttype") && !Object.hasOwn(event, "data_base64"))
    attributes.set("datacontenttype", "application/json");
  const isBinary = event.data_base64 !== undefined && event.data_base64 !== null;
  const value =
    isBinary && data !== null && attributes.has("datacontenttype") && isJsonType(attributes)
      ? parseJson(data)
      : event.data;
  return finished(attributes, data, rules, { value, at: isBinary ? "/data_base64" : "/data", typeAt: "/type" });
}

/** Data counts as one, too. */
function tooManyAttributes(found: number, pointer?: string): EventProblem {
  const detail = `a CloudEvent has at most ${MAX_CLOUDEVENT_ATTRIBUTES} attributes here (max_cloudevent_attributes), not ${found}`;
  return problem("invalid_event", detail, pointer);
}

function attributeText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "boolean" || Number.isSafeInteger(value) ? String(value) : undefined;
}

function dataOf(
  event: Readonly<Record<string, unknown>>,
  attributes: ReadonlyMap<string, string>,
  bytes: Uint8Array,
): Uint8Array | null | EventProblem {
  const base64 = event.data_base64;
  if (base64 !== undefined && base64 !== null) {
    if (Object.hasOwn(event, "data"))
      return problem("invalid_event", "/data_base64: there can be only one of data and data_base64", "/data_base64");
    if (typeof base64 !== "string" || base64.length % 4 !== 0 || !BASE64.test(base64))
      return problem("invalid_event", "/data_base64: must be base64 (RFC 4648, section 4)", "/data_base64");
    const data = new Uint8Array(Buffer.from(base64, "base64"));
    if (attributes.has("datacontenttype") && isJsonType(attributes) && !isJson(data, 0, data.byteLength))
      return jsonProblem(data, undefined, "what data_base64 holds");
    return data;
  }
  if (!Object.hasOwn(event, "data")) return null;
  // What is not JSON stands in a JSON string, and is that string's text (JSON event format, 3.1.1).
  if (typeof event.data === "string" && !isJsonType(attributes)) return new TextEncoder().encode(event.data);
  return objectMembers(bytes)!.get("data")!;
}

function isJsonType(attributes: ReadonlyMap<string, string>): boolean {
  const type = attributes.get("datacontenttype");
  return type === undefined || JSON_TYPE.test(type);
}

function faultOf(attributes: ReadonlyMap<string, string>): Fault | undefined {
  for (const attribute of REQUIRED) {
    const value = attributes.get(attribute);
    if (value === undefined) return { attribute, detail: "is required" };
  }
  if (attributes.get("specversion") !== "1.0") return { attribute: "specversion", detail: 'must be "1.0"' };
  for (const [attribute, value] of attributes) {
    if (!ATTRIBUTE_NAME.test(attribute))
      return { attribute, detail: "is no attribute's name: those consist of a-z and 0-9" };
    if (value === "") return { attribute, detail: "must not be empty" };
    if (!value.isWellFormed() || /\p{Cc}/u.test(value))
      return { attribute, detail: "must be well-formed Unicode without control characters" };
  }
  if (!isRfc3339(attributes.get("time") ?? "1970-01-01T00:00:00Z"))
    return { attribute: "time", detail: "must be a date and time as in RFC 3339" };
  if (!MEDIA_TYPE.test(attributes.get("datacontenttype") ?? "a/b"))
    return { attribute: "datacontenttype", detail: "must be a media type (RFC 2046)" };
  return undefined;
}

function headerProblem({ attribute, detail }: Fault): EventProblem {
  const header = attribute === "datacontenttype" ? "content-type" : `ce-${attribute}`;
  return { isValid: false, code: "invalid_event", detail: `${header}: ${detail}`, header };
}

function memberProblem({ attribute, detail }: Fault): EventProblem {
  const pointer = `/${attribute.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return problem("invalid_event", `${pointer}: ${detail}`, pointer);
}

/** The data is what a schema is for. What is not JSON is no value to it (text stands for itself). */
function finished(
  attributes: ReadonlyMap<string, string>,
  data: Uint8Array | null,
  rules: EventRules,
  seen: { readonly value: unknown; readonly at: string; readonly typeAt: string },
): Checked {
  const event = draft(attributes, data);
  if (rules.schemaProblem === undefined) return event;
  return heldAgainstSchema(event, rules, { type: attributes.get("type"), ...seen });
}

function draft(attributes: ReadonlyMap<string, string>, value: Uint8Array | null): EventDraft {
  const headers: RecordHeader[] = [];
  for (const [name, text] of attributes)
    headers.push([name === "datacontenttype" ? "content-type" : `ce_${name}`, text]);
  const time = Date.parse((attributes.get("time") ?? "").toUpperCase());
  return {
    isValid: true,
    id: attributes.get("id")!,
    key: attributes.get("partitionkey") ?? null,
    value,
    headers,
    // Kafka knows no time before 1970, and librdkafka takes 0 for "now"; the attribute is in the headers all the same.
    timestampMs: time > 0 ? time : undefined,
  };
}
