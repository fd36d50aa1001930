/**
 * JSON as bytes (RFC 8259): is this valid, without building anything; one line out of it.
 * `isJson` and `jsonToOneLine` allocate nothing, never recurse, and agree with `JSON.parse` on every input whose nesting is
 * within `MAX_JSON_DEPTH`. Deeper input counts as not valid.
 */
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  CR,
  DOT,
  LETTER_B,
  LETTER_E,
  LETTER_F,
  LETTER_N,
  LETTER_R,
  LETTER_T,
  LETTER_U,
  LF,
  MINUS,
  NINE,
  OPEN_ARRAY,
  OPEN_OBJECT,
  PLAIN,
  PLUS,
  QUOTE,
  SPACE,
  TAB,
  ZERO,
} from "./bytes.ts";

/** Levels of arrays and objects inside each other. */
export const MAX_JSON_DEPTH = 131_072;

/** A bit a level: 1 inside an object, 0 inside an array. Shared by every call in a thread: no call runs inside another. */
const levels = new Int32Array(MAX_JSON_DEPTH / 32);

const WORD_TRUE = Uint8Array.of(LETTER_T, LETTER_R, LETTER_U, LETTER_E);
const WORD_FALSE = Uint8Array.of(LETTER_F, 0x61, 0x6c, 0x73, LETTER_E);
const WORD_NULL = Uint8Array.of(LETTER_N, LETTER_U, 0x6c, 0x6c);

/** Whether the bytes from `start` to `end` are one JSON value, with white space around it or not. */
export function isJson(bytes: Uint8Array, start: number, end: number): boolean {
  return scan(bytes, start, end, false);
}

/**
 * `isJson`, and on the way every raw CR and LF becomes a space, which in valid JSON changes nothing: they stand only between
 * tokens. Where the answer is false, the bytes before the fault may have been changed.
 */
export function jsonToOneLine(bytes: Uint8Array, start: number, end: number): boolean {
  return scan(bytes, start, end, true);
}

/** Where the last `scan` began its last token: where the fault is, if it ended with one. */
let tokenAt = 0;

/**
 * Where the bytes stop being JSON: the offset of the token that is wrong (or of the end, where something is missing). -1 where they
 * are valid. For messages; `isJson` answers faster to whom the place is of no use.
 */
export function jsonFaultAt(bytes: Uint8Array): number {
  return scan(bytes, 0, bytes.length, false) ? -1 : tokenAt;
}

function scan(bytes: Uint8Array, start: number, end: number, blankBreaks: boolean): boolean {
  // What is made one line is put into an object, which must then be JSON, too.
  const maxDepth = blankBreaks ? MAX_JSON_DEPTH - 1 : MAX_JSON_DEPTH;
  let depth = 0;
  let inObject = false;
  let at = start;
  for (;;) {
    // Here a value must begin.
    at = skipSpace(bytes, at, end, blankBreaks);
    tokenAt = at;
    if (at >= end) return false;
    const byte = bytes[at]!;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === maxDepth) return false;
      inObject = byte === OPEN_OBJECT;
      setLevel(depth++, inObject);
      at = skipSpace(bytes, at + 1, end, blankBreaks);
      tokenAt = at;
      if (at >= end) return false;
      // Where it is empty, the loop below sees its end.
      if (bytes[at] !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        if (inObject) at = skipName(bytes, at, end, blankBreaks);
        if (at < 0) return false;
        continue;
      }
    } else {
      at = byte === QUOTE ? skipString(bytes, at + 1, end) : skipScalar(bytes, at, end, byte);
      if (at < 0) return false;
    }
    // Here a value, or nothing, is behind us: what closes now, and does another value follow?
    for (;;) {
      at = skipSpace(bytes, at, end, blankBreaks);
      tokenAt = at;
      if (depth === 0) return at >= end;
      if (at >= end) return false;
      const next = bytes[at++]!;
      if (next === COMMA) break;
      if (next !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return false;
      depth--;
      inObject = depth > 0 && isObjectLevel(depth - 1);
    }
    if (inObject) at = skipName(bytes, skipSpace(bytes, at, end, blankBreaks), end, blankBreaks);
    if (at < 0) return false;
  }
}

function isObjectLevel(depth: number): boolean {
  return (levels[depth >> 5]! & (1 << (depth & 31))) !== 0;
}

function setLevel(depth: number, isObject: boolean): void {
  const bit = 1 << (depth & 31);
  if (isObject) levels[depth >> 5]! |= bit;
  else levels[depth >> 5]! &= ~bit;
}

function skipSpace(bytes: Uint8Array, start: number, end: number, blankBreaks: boolean): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > SPACE) break;
    if (byte === LF || byte === CR) {
      if (blankBreaks) bytes[at] = SPACE;
    } else if (byte !== SPACE && byte !== TAB) break;
    at++;
  }
  return at;
}

/** A member's name and the colon after it: where its value may begin, or -1. */
function skipName(bytes: Uint8Array, start: number, end: number, blankBreaks: boolean): number {
  tokenAt = start;
  if (start >= end || bytes[start] !== QUOTE) return -1;
  let at = skipString(bytes, start + 1, end);
  if (at < 0) return -1;
  at = skipSpace(bytes, at, end, blankBreaks);
  tokenAt = at;
  return at < end && bytes[at] === COLON ? at + 1 : -1;
}

/** From behind the opening quote to behind the closing one, or -1. */
function skipString(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (PLAIN[byte] === 1) at++;
    else if (byte === QUOTE) return at + 1;
    else if (byte === BACKSLASH) at = skipEscape(bytes, at + 1, end);
    else at = byte < SPACE ? -1 : skipMultibyte(bytes, at, end);
    if (at < 0) return -1;
  }
  return -1;
}

/** From behind the backslash. Any four hex digits will do: a lone surrogate is a matter of meaning, not of grammar. */
function skipEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  switch (bytes[at]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case LETTER_B:
    case LETTER_F:
    case LETTER_N:
    case LETTER_R:
    case LETTER_T:
      return at + 1;
    case LETTER_U:
      if (at + 4 >= end) return -1;
      for (let i = 1; i <= 4; i++) if (!isHex(bytes[at + i]!)) return -1;
      return at + 5;
    default:
      return -1;
  }
}

function isHex(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** One character of two to four bytes, by the table of RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
export function skipMultibyte(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + length > end) return -1;
  const second = bytes[at + 1]!;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return -1;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return -1;
  return at + length;
}

/** A number or one of the three words. */
function skipScalar(bytes: Uint8Array, at: number, end: number, first: number): number {
  if (first === MINUS || isDigit(first)) return skipNumber(bytes, at, end);
  const word =
    first === LETTER_T ? WORD_TRUE : first === LETTER_F ? WORD_FALSE : first === LETTER_N ? WORD_NULL : undefined;
  if (word === undefined || at + word.length > end) return -1;
  for (let i = 1; i < word.length; i++) if (bytes[at + i] !== word[i]) return -1;
  return at + word.length;
}

function skipNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  at = at < end && bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at, end);
  if (at >= 0 && at < end && bytes[at] === DOT) at = skipDigits(bytes, at + 1, end);
  if (at >= 0 && at < end && (bytes[at]! | 0x20) === LETTER_E) {
    at++;
    if (at < end && (bytes[at] === MINUS || bytes[at] === PLUS)) at++;
    at = skipDigits(bytes, at, end);
  }
  return at;
}

/** At least one digit, else -1. */
function skipDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isDigit(bytes[at]!)) at++;
  return at === start ? -1 : at;
}

/** Whether all of it is ASCII that needs no escape inside a JSON string. */
export function isPlainText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (PLAIN[bytes[at]!] === 0) return false;
  return true;
}
