/** Whole numbers as digits, written by hand up to 2^53 on either side of 0: no string is made. */
const [MINUS, ZERO] = [0x2d, 0x30];
const NINE_DIGITS = 1_000_000_000;

/** Writes the number to `bytes` from `at`, and returns where it ends. */
export function putNumber(bytes: Uint8Array, at: number, value: number | bigint): number {
  if (typeof value === "bigint") return putText(bytes, at, String(value));
  let start = at;
  let rest = value;
  if (rest < 0) {
    bytes[start++] = MINUS;
    rest = -rest;
  }
  if (rest < NINE_DIGITS) return putDigits(bytes, start, rest | 0, digitsOf(rest | 0));
  const high = Math.floor(rest / NINE_DIGITS);
  start = putDigits(bytes, start, high | 0, digitsOf(high | 0));
  return putDigits(bytes, start, (rest - high * NINE_DIGITS) | 0, 9);
}

/** Bigger than any offset or time that Sluice makes; another producer may write a timestamp like that. */
function putText(bytes: Uint8Array, at: number, digits: string): number {
  for (let i = 0; i < digits.length; i++) bytes[at + i] = digits.charCodeAt(i);
  return at + digits.length;
}

function putDigits(bytes: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    bytes[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + digits;
}

function digitsOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 1_000_000) return value < 100_000 ? 5 : 6;
  return value < 10_000_000 ? 7 : value < 100_000_000 ? 8 : 9;
}
