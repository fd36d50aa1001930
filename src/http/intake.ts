/** What a request says before its body is read: format, encoding, parameters, and the record headers that it brings along. */
import type { RecordHeader } from "../event/index.ts";
import { type Format, formatOf, isBatch, type Shape } from "./content.ts";
import { type Encoding, encodingOf } from "./encoding.ts";
import { detachedText, type HeaderLookup } from "./message.ts";
import type { ParameterReader, Parameters } from "./parameters.ts";
import type { Problem } from "./problem.ts";

export interface Intake {
  readonly topic: string;
  readonly format: Format;
  /** One answer for one event, or one that lists what became of each. */
  readonly answersMany: boolean;
  readonly encoding: Encoding | undefined;
  readonly parameters: Parameters;
  /** For every record of the request. */
  readonly headers: readonly RecordHeader[];
}

export interface Where {
  readonly topic: string;
  readonly shape: Shape;
}

export function readIntake(
  url: string,
  headers: HeaderLookup,
  where: Where,
  parameters: ParameterReader,
): Intake | Problem {
  const format = formatOf(headers, where.shape);
  if (typeof format === "object") return format;
  const encoding = encodingOf(headers);
  if (typeof encoding === "object") return encoding;
  const answersMany = where.shape === "many" || isBatch(format);
  const read = parameters.read(url, answersMany ? "many" : "one");
  if ("parameter" in read) {
    return { code: "invalid_parameter", detail: `${read.parameter}: ${read.detail}`, parameter: read.parameter };
  }
  const traces = traceHeaders(headers);
  return {
    topic: where.topic,
    format,
    answersMany,
    encoding,
    parameters: read,
    headers: read.headers.length === 0 ? traces : [...traces, ...read.headers],
  };
}

const NONE: readonly RecordHeader[] = [];
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const TRACESTATE_MAX = 512;

/** Trace context (https://www.w3.org/TR/trace-context/): passed on; what is not well-formed is ignored, as it says there. */
function traceHeaders(headers: HeaderLookup): readonly RecordHeader[] {
  const parent = headers.get("traceparent");
  if (parent === null || parent.length > TRACESTATE_MAX || !TRACEPARENT.test(parent)) return NONE;
  const state = headers.get("tracestate");
  return state === null || state === "" || state.length > TRACESTATE_MAX
    ? [["traceparent", detachedText(parent)]]
    : [
        ["traceparent", detachedText(parent)],
        ["tracestate", detachedText(state)],
      ];
}

/**
 * Without the quotes of quoted strings (RFC 7230, 3.2.6), as senders by older versions of the binding write what has spaces. By hand:
 * a pattern begins anew at every quote that is not closed. Such a one stands for itself.
 */
function unquoted(value: string): string {
  let text = "";
  let at = 0;
  for (let open = value.indexOf('"'); open !== -1; open = value.indexOf('"', at)) {
    let inner = "";
    let i = open + 1;
    for (; i < value.length && value[i] !== '"'; i++) {
      if (value[i] === "\\") i++;
      inner += value[i] ?? "";
    }
    if (i >= value.length) break;
    text += value.slice(at, open) + inner;
    at = i + 1;
  }
  return text + value.slice(at);
}

/** The attributes of a binary CloudEvent: its `ce-` headers, unquoted, then percent-decoded (HTTP protocol binding 1.0.2, 3.1.3.2). */
export function cloudEventAttributes(headers: HeaderLookup): Map<string, string> | Problem {
  const attributes = new Map<string, string>();
  for (const [name, value] of headers) {
    if (!name.startsWith("ce-")) continue;
    try {
      attributes.set(name.slice("ce-".length), decodeURIComponent(unquoted(value)));
    } catch {
      return { code: "invalid_event", detail: `${name}: is not percent-encoded UTF-8`, header: name };
    }
  }
  return attributes;
}
