/**
 * How every line of a log file begins: `{"partition":3,"offset":42,`. The offset of a line, and so everything that exactly-once
 * needs to know of it, is read from there without looking at the rest.
 */
const encoder = new TextEncoder();
const PARTITION = encoder.encode('{"partition":');
const OFFSET = encoder.encode(',"offset":');
const [COMMA, ZERO, NINE] = [0x2c, 0x30, 0x39];

/** Everything before the offset's digits. */
export function headBytes(partition: number): Uint8Array {
  return encoder.encode(`{"partition":${partition},"offset":`);
}

export interface LineHead {
  partition: number;
  offset: number;
}

/** Reads the head of the line at `start` into `head`; false (and `head` left in any state) where there is none. */
export function readLineHead(bytes: Uint8Array, start: number, end: number, head: LineHead): boolean {
  let at = skip(bytes, start, end, PARTITION);
  if (at < 0) return false;
  let digits = at;
  head.partition = 0;
  for (; at < end && isDigit(bytes[at]!); at++) head.partition = head.partition * 10 + bytes[at]! - ZERO;
  if (at === digits) return false;
  at = skip(bytes, at, end, OFFSET);
  if (at < 0) return false;
  digits = at;
  head.offset = 0;
  for (; at < end && isDigit(bytes[at]!); at++) head.offset = head.offset * 10 + bytes[at]! - ZERO;
  return at > digits && at < end && bytes[at] === COMMA;
}

/** Whether a file that begins with these bytes can be one of ours: also where it breaks off within its first line. */
export function mayBeginLog(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, PARTITION.length);
  return skip(bytes, 0, length, PARTITION.subarray(0, length)) === length;
}

function skip(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): number {
  if (start + expected.length > end) return -1;
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return -1;
  return start + expected.length;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
