/** What a request says of its body: which format it is in, and how it is encoded. */
import type { HeaderLookup } from "./message.ts";
import type { Problem } from "./problem.ts";

/** One event or several, and how they stand in the body. */
export type Format = "event" | "array" | "lines" | "binary-cloudevent" | "cloudevent" | "cloudevents";

/** What a path takes where the content type alone does not say it. */
export type Shape = "one" | "many";

const PLAIN: Readonly<Record<Shape, ReadonlyMap<string, Format>>> = {
  // text/plain is what navigator.sendBeacon sends.
  one: new Map([
    ["application/json", "event"],
    ["text/plain", "event"],
  ]),
  many: new Map([
    ["application/json", "array"],
    ["application/x-ndjson", "lines"],
    ["application/jsonl", "lines"],
  ]),
};
const CLOUDEVENTS: ReadonlyMap<string, Format> = new Map([
  ["application/cloudevents+json", "cloudevent"],
  ["application/cloudevents-batch+json", "cloudevents"],
]);

/** For the `Accept-Post` header and for sentences. */
export function typesTaken(shape: Shape): string {
  return [...PLAIN[shape].keys(), ...CLOUDEVENTS.keys()].join(", ");
}

export function isBatch(format: Format): boolean {
  return format === "array" || format === "lines" || format === "cloudevents";
}

/** The format, or why there is none. */
export function formatOf(headers: HeaderLookup, shape: Shape): Format | Problem {
  const type = headers.get("content-type");
  const isBinary = headers.get("ce-specversion") !== null;
  // The spelling that nearly every client uses, before the general one.
  if (type === "application/json" && !isBinary) return shape === "one" ? "event" : "array";
  const name = type === null ? "" : mediaType(type);
  const cloudEvents = CLOUDEVENTS.get(name);
  if (cloudEvents === undefined && isBinary) return "binary-cloudevent";
  const format = cloudEvents ?? PLAIN[shape].get(name);
  if (format === undefined) {
    const found = type === null ? "the request has no Content-Type" : `not ${printable(type)}`;
    const detail = `Content-Type must be one of ${typesTaken(shape)}, or the headers those of a binary CloudEvent: ${found}`;
    return { code: "unsupported_media_type", detail, header: "content-type" };
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type ?? "")?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8" && charset !== "us-ascii") {
    const detail = `JSON is UTF-8 (RFC 8259, 8.1), not ${printable(charset)}`;
    return { code: "unsupported_media_type", detail, header: "content-type" };
  }
  return format;
}

function mediaType(type: string): string {
  const end = type.indexOf(";");
  return (end === -1 ? type : type.slice(0, end)).trim().toLowerCase();
}

/** A client's header value in a sentence: short, and nothing but printable ASCII. */
export function printable(text: string): string {
  const clean = text.replaceAll(/[^\x20-\x7e]/g, "?");
  return JSON.stringify(clean.length > 80 ? `${clean.slice(0, 80)}…` : clean);
}
