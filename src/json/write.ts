/** Text as a JSON string (RFC 8259, section 7), in bytes. */
import {
  BACKSLASH,
  LETTER_B,
  LETTER_F,
  LETTER_N,
  LETTER_R,
  LETTER_T,
  LETTER_U,
  PLAIN,
  QUOTE,
  SPACE,
  ZERO,
} from "./bytes.ts";
import { skipMultibyte } from "./scan.ts";

/** The most bytes that `writeJsonString` makes out of `length` bytes. */
export function jsonStringBound(length: number): number {
  return 2 + 6 * length;
}

const HEX = new TextEncoder().encode("0123456789abcdef");
/** The letter behind the backslash for controls that have a short form. */
const SHORT_ESCAPE: Readonly<Record<number, number>> = {
  8: LETTER_B,
  9: LETTER_T,
  10: LETTER_N,
  12: LETTER_F,
  13: LETTER_R,
};

/**
 * Writes the UTF-8 text as a JSON string, quotes included, to `target` from `at`, and returns where it ends; -1 where the text
 * is not valid UTF-8 (what was written then means nothing). `target` needs room for `jsonStringBound(text.length)` bytes.
 */
export function writeJsonString(text: Uint8Array, target: Uint8Array, at: number): number {
  let out = at;
  target[out++] = QUOTE;
  for (let i = 0; i < text.length; ) {
    const byte = text[i]!;
    if (byte >= 0x80) {
      const next = skipMultibyte(text, i, text.length);
      if (next < 0) return -1;
      while (i < next) target[out++] = text[i++]!;
      continue;
    }
    i++;
    if (PLAIN[byte] === 1) target[out++] = byte;
    else out = writeEscape(byte, target, out);
  }
  target[out++] = QUOTE;
  return out;
}

function writeEscape(byte: number, target: Uint8Array, at: number): number {
  target[at] = BACKSLASH;
  const letter = byte >= SPACE ? byte : SHORT_ESCAPE[byte];
  if (letter !== undefined) {
    target[at + 1] = letter;
    return at + 2;
  }
  target[at + 1] = LETTER_U;
  target[at + 2] = target[at + 3] = ZERO;
  target[at + 4] = HEX[byte >> 4]!;
  target[at + 5] = HEX[byte & 15]!;
  return at + 6;
}
