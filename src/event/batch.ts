/** From the body of a batch to the bytes of its events: elements of an array, or lines. */
import { arrayElements, isJson, type Slices } from "../json/index.ts";
import { type EventProblem, problem } from "./draft.ts";
import { jsonProblem } from "./parse.ts";

/** The elements of a JSON array. */
export function splitArray(body: Uint8Array, max: number): Slices | EventProblem {
  if (!isJson(body, 0, body.byteLength)) return jsonProblem(body, undefined, "the body");
  const elements = arrayElements(body, max);
  if (elements === null) return problem("invalid_event", "a batch is a JSON array of events", "");
  return elements.count === 0 ? EMPTY : elements;
}

const EMPTY = problem("empty_batch", "the batch holds no event");
const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20];

/** The lines of NDJSON without their ends. Lines of white space alone are passed over. */
export function splitLines(body: Uint8Array, max: number): Slices | EventProblem {
  const slices: Uint8Array[] = [];
  let count = 0;
  for (let start = 0; start < body.byteLength; ) {
    const found = body.indexOf(LF, start);
    const next = found === -1 ? body.byteLength : found;
    const end = next > start && body[next - 1] === CR ? next - 1 : next;
    if (!isBlank(body, start, end) && count++ < max) slices.push(body.subarray(start, end));
    start = next + 1;
  }
  return count === 0 ? EMPTY : { slices, count };
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== TAB && byte !== CR) return false;
  }
  return true;
}
