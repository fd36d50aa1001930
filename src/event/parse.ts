/** A client's bytes as a value to look at, or what keeps them from being JSON, and where. */
import { jsonFaultAt } from "../json/index.ts";
import { type EventProblem, problem } from "./draft.ts";

// A byte order mark is not JSON (RFC 8259, 8.1), so it is left for the parser to find.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws what `jsonProblem` explains. */
export function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(utf8.decode(bytes));
}

/** `what` names the bytes in the sentence: "the body". */
export function jsonProblem(bytes: Uint8Array, cause: unknown, what: string): EventProblem {
  return problem("invalid_json", sentence(bytes, cause, what));
}

function sentence(bytes: Uint8Array, cause: unknown, what: string): string {
  if (bytes.byteLength === 0) return `${what} is empty`;
  if (cause instanceof TypeError) return `${what} is not valid UTF-8`;
  // The engine's own words may quote the client's text, and do not say where.
  const fault = jsonFaultAt(bytes);
  if (fault === -1) return `${what} is not valid JSON`;
  const before = bytes.subarray(0, fault);
  let line = 1;
  for (let at = before.indexOf(LF); at !== -1; at = before.indexOf(LF, at + 1)) line++;
  const column = fault - before.lastIndexOf(LF);
  const wrong = fault >= bytes.byteLength ? "it ends too early" : "what stands there does not belong there";
  return `${what} is not valid JSON: ${wrong}, at byte ${fault} (line ${line}, column ${column})`;
}

const LF = 0x0a;

export function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
