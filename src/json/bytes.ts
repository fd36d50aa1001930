/** The bytes that mean something in JSON. */

export const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
export const [QUOTE, PLUS, COMMA, MINUS, DOT, ZERO, NINE, COLON] = [0x22, 0x2b, 0x2c, 0x2d, 0x2e, 0x30, 0x39, 0x3a];
export const [OPEN_ARRAY, BACKSLASH, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5c, 0x5d, 0x7b, 0x7d];
export const [LETTER_U, LETTER_B, LETTER_F, LETTER_N, LETTER_R, LETTER_T, LETTER_E] = [
  0x75, 0x62, 0x66, 0x6e, 0x72, 0x74, 0x65,
];

/** 1 for the bytes that stand for themselves inside a string: ASCII but controls, quote and backslash. */
export const PLAIN = new Uint8Array(256);
for (let byte = SPACE; byte < 0x80; byte++) PLAIN[byte] = byte === QUOTE || byte === BACKSLASH ? 0 : 1;
