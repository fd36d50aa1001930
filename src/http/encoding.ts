/**
 * Content encodings. Nothing is inflated past the limit: zlib stops there, and the answer is that of a body that is too large.
 * (Bun's own `gunzipSync` and `zstdDecompress` know no limit.)
 */
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdCompressSync, zstdDecompress } from "node:zlib";
import { printable } from "./content.ts";
import type { Problem } from "./problem.ts";

type Inflate = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Uint8Array>;

const DECODERS = {
  gzip: promisify(gunzip) as Inflate,
  zstd: inflateZstd,
  br: promisify(brotliDecompress) as Inflate,
  deflate: (bytes, options) => (hasZlibHeader(bytes) ? zlibInflate : rawInflate)(bytes, options),
} satisfies Record<string, Inflate>;
const zlibInflate = promisify(inflate) as Inflate;
const rawInflate = promisify(inflateRaw) as Inflate;

const zstdInflate = promisify(zstdDecompress) as Inflate;
const MARK = crypto.getRandomValues(new Uint8Array(16));
const MARK_FRAME = zstdCompressSync(MARK);

/**
 * Bun 1.4.5 takes a zstd body that was cut off for whole. So a frame of our own is put behind it: only where all before it was
 * whole does its content come out at the end.
 */
async function inflateZstd(bytes: Uint8Array, { maxOutputLength }: { readonly maxOutputLength: number }) {
  const marked = await zstdInflate(Buffer.concat([bytes, MARK_FRAME]), {
    maxOutputLength: maxOutputLength + MARK.byteLength,
  });
  const end = marked.byteLength - MARK.byteLength;
  if (Buffer.compare(marked.subarray(Math.max(0, end)), MARK) !== 0) throw new Error("cut off");
  return marked.subarray(0, end);
}

export type Encoding = keyof typeof DECODERS;
export const ENCODINGS = Object.keys(DECODERS) as readonly Encoding[];

/** "deflate" is the zlib format (RFC 9110, 8.4.1.2), and some clients send it bare: told apart by the header's check bits. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const [cmf = 0, flags = 0] = bytes;
  return (cmf & 0x0f) === 8 && ((cmf << 8) | flags) % 31 === 0;
}

/** Undefined for a body as it is. */
export function encodingOf(headers: Headers): Encoding | undefined | Problem {
  const text = headers.get("content-encoding");
  if (text === null) return undefined;
  const name = text.trim().toLowerCase();
  if (name === "identity" || name === "") return undefined;
  const known = name === "x-gzip" ? "gzip" : ENCODINGS.find((encoding) => encoding === name);
  if (known) return known;
  const detail = `Content-Encoding must be one of ${ENCODINGS.join(", ")}, identity, not ${printable(text)}`;
  return { code: "unsupported_encoding", detail, header: "content-encoding" };
}

/** Never more than `maxBytes`: a body that would be larger is `"too_large"`, one that cannot be decoded `"broken"`. */
export async function decode(
  encoding: Encoding,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array | "too_large" | "broken"> {
  // An empty body is no frame of any of them, though some decoders let it pass.
  if (bytes.byteLength === 0) return "broken";
  try {
    const decoded = await DECODERS[encoding](bytes, { maxOutputLength: maxBytes });
    // A Buffer may be a view of a pool.
    return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : "broken";
  }
}
