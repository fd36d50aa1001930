/**
 * A plain event: a JSON object, its known members of the right type. The value stays the client's own bytes; parsing is only for
 * looking.
 */
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { type Checked, type EventDraft, type EventRules, heldAgainstSchema, NO_HEADERS, problem } from "./draft.ts";
import { isObject, jsonProblem, nameOf, parseJson } from "./parse.ts";
import { type EventBody, EventSchema } from "./schema.ts";

const schema = TypeCompiler.Compile(EventSchema);

/** `what` names the bytes in a message: "the body", "the line". */
export function checkPlainEvent(bytes: Uint8Array, rules: EventRules, what: string): Checked {
  let value: unknown;
  try {
    value = parseJson(bytes);
  } catch (cause) {
    return jsonProblem(bytes, cause, what);
  }
  if (!schema.Check(value)) return shapeProblem(value);
  const id = value.id ?? null;
  if (id !== null && !id.isWellFormed())
    return problem("invalid_event", "/id: must be well-formed Unicode, without lone surrogates", "/id");
  const key = rules.keyMember === undefined ? null : keyOf(value, rules.keyMember);
  if (typeof key === "object" && key !== null) return key;
  const draft: EventDraft = { isValid: true, id, key, value: bytes, headers: NO_HEADERS, timestampMs: undefined };
  return rules.schemaProblem === undefined
    ? draft
    : heldAgainstSchema(draft, rules, { type: value.event_type, value, at: "", typeAt: "/event_type" });
}

function shapeProblem(value: unknown): Checked {
  if (!isObject(value)) return problem("invalid_event", `an event is a JSON object, not ${nameOf(value)}`, "");
  const error = schema.Errors(value).First();
  const path = error?.path ?? "";
  return problem("invalid_event", `${path}: ${wording(error?.message ?? "is not as it should be")}`, path);
}

/** A member that is missing or null makes no key: such an event goes to any partition. */
function keyOf(event: EventBody & Readonly<Record<string, unknown>>, member: string): string | null | Checked {
  if (!Object.hasOwn(event, member)) return null;
  const key = event[member];
  if (key === null) return null;
  if (typeof key === "string" && key !== "" && key.isWellFormed()) return key;
  if (typeof key === "number" && Number.isSafeInteger(key)) return String(key);
  const pointer = `/${member.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return problem(
    "invalid_event",
    `${pointer}: is the record key, so it must be text that is not empty, or a whole number within ±(2^53 - 1)`,
    pointer,
  );
}

/** TypeBox's messages, as the end of a sentence. */
function wording(message: string): string {
  if (message.includes("length greater or equal to 1")) return "must not be empty";
  if (message.includes("'date-time'"))
    return "must be a date and time as in RFC 3339, for example 2026-11-22T20:00:00Z";
  return `must be ${/^Expected (\w+)$/.exec(message)?.[1] ?? "of another type"}`
    .replace("be object", "be an object")
    .replace("be string", "be a string");
}
