/**
 * Cuts values out of JSON without touching a byte of them: the elements of an array, the members of an object. The bytes must be
 * valid JSON (`isJson`): nothing is checked again here.
 */
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  CR,
  LF,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
  TAB,
} from "./bytes.ts";

/** Slices of some bytes, as views of them. Past a given number they are only counted: a view takes more memory than its bytes may. */
export interface Slices {
  readonly slices: readonly Uint8Array[];
  /** Of all. */
  readonly count: number;
}

/** The elements of the array that the bytes hold, without the space around, at most `max`; null where they hold another value. */
export function arrayElements(bytes: Uint8Array, max: number): Slices | null {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_ARRAY) return null;
  const slices: Uint8Array[] = [];
  let count = 0;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== CLOSE_ARRAY) {
    const end = skipValue(bytes, at);
    if (count++ < max) slices.push(bytes.subarray(at, end));
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return { slices, count };
}

/**
 * The members of the object that the bytes hold, by name; null where they hold another value. Of members with the same name the
 * last counts, as with `JSON.parse`.
 */
export function objectMembers(bytes: Uint8Array): Map<string, Uint8Array> | null {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_OBJECT) return null;
  const members = new Map<string, Uint8Array>();
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== CLOSE_OBJECT) {
    const nameEnd = skipValue(bytes, at);
    const name: string = JSON.parse(utf8.decode(bytes.subarray(at, nameEnd)));
    at = skipSpace(bytes, skipSpace(bytes, nameEnd) + COLON_LENGTH);
    const end = skipValue(bytes, at);
    members.set(name, bytes.subarray(at, end));
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return members;
}

const COLON_LENGTH = 1;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** From a value's first byte to behind its last. */
function skipValue(bytes: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = skipString(bytes, at + 1);
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth++;
      at++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth--;
      at++;
    } else if (depth > 0 && isBetween(byte)) at++;
    else at = skipScalar(bytes, at);
  } while (depth > 0);
  return at;
}

function skipString(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** A number or a word: up to whatever ends it. */
function skipScalar(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && !isBetween(bytes[at]!) && bytes[at] !== CLOSE_ARRAY && bytes[at] !== CLOSE_OBJECT) at++;
  return at;
}

function isBetween(byte: number): boolean {
  return byte === COMMA || byte === COLON || isSpace(byte);
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LF || byte === CR || byte === TAB;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && isSpace(bytes[at]!)) at++;
  return at;
}
