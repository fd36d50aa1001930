/**
 * From a client's bytes to an event, or to what is wrong with them. The value stays the client's own bytes; parsing is only
 * for looking.
 */
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { jsonFaultAt } from "../json.ts";
import { type EventBody, EventSchema } from "./schema.ts";

export { EventSchema } from "./schema.ts";

/** What the bytes are not. `pointer` is a JSON pointer (RFC 6901) to the member that is wrong. */
export interface EventProblem {
  readonly code: "invalid_json" | "invalid_event";
  readonly detail: string;
  readonly pointer?: string;
}

export type Checked =
  /** `id` is the event's own, where it brings one. */
  { readonly isValid: true; readonly id: string | null } | { readonly isValid: false; readonly problem: EventProblem };

const schema = TypeCompiler.Compile(EventSchema);
// A byte order mark is not JSON (RFC 8259, 8.1), so it is left for the parser to find.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One event's bytes: UTF-8 JSON, an object, its known members of the right type. */
export function checkEvent(bytes: Uint8Array): Checked {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    return invalid("invalid_json", jsonProblem(bytes, cause));
  }
  if (schema.Check(value)) return checkId(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid("invalid_event", `an event is a JSON object, not ${nameOf(value)}`, "");
  }
  const error = schema.Errors(value).First();
  return invalid(
    "invalid_event",
    `${error?.path ?? ""}: ${wording(error?.message ?? "is not as it should be")}`,
    error?.path ?? "",
  );
}

function checkId(event: EventBody): Checked {
  const id = event.id ?? null;
  if (id !== null && !id.isWellFormed())
    return invalid("invalid_event", "/id: must be well-formed Unicode, without lone surrogates", "/id");
  return { isValid: true, id };
}

function invalid(code: EventProblem["code"], detail: string, pointer?: string): Checked {
  return { isValid: false, problem: pointer === undefined ? { code, detail } : { code, detail, pointer } };
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

function jsonProblem(bytes: Uint8Array, cause: unknown): string {
  if (bytes.byteLength === 0) return "the body is empty";
  if (cause instanceof TypeError) return "the body is not valid UTF-8";
  // The engine's own words may quote the client's text, and do not say where.
  const fault = jsonFaultAt(bytes);
  if (fault === -1) return "the body is not valid JSON";
  const before = bytes.subarray(0, fault);
  const line = before.reduce((lines, byte) => lines + (byte === LF ? 1 : 0), 1);
  const column = fault - before.lastIndexOf(LF);
  const what = fault >= bytes.byteLength ? "it ends too early" : "what stands there does not belong there";
  return `the body is not valid JSON: ${what}, at byte ${fault} (line ${line}, column ${column})`;
}

const LF = 0x0a;

/** TypeBox's messages, as the end of a sentence. */
function wording(message: string): string {
  if (message.includes("length greater or equal to 1")) return "must not be empty";
  if (message.includes("'date-time'"))
    return "must be a date and time as in RFC 3339, for example 2026-11-22T20:00:00Z";
  return `must be ${/^Expected (\w+)$/.exec(message)?.[1] ?? "of another type"}`
    .replace("be object", "be an object")
    .replace("be string", "be a string");
}
