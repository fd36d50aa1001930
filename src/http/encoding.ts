/**
 * Content encodings. Nothing is inflated past the limit: zlib stops there, and the answer is that of a body that is too large.
 * (Bun's own `gunzipSync` and `zstdDecompress` know no limit.)
 */
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdCompressSync, zstdDecompress } from "node:zlib";
import { printable } from "./content.ts";
import type { HeaderLookup } from "./message.ts";
import type { Problem } from "./problem.ts";

type Limit = { readonly maxOutputLength: number };
type Inflate = (bytes: Uint8Array, options: Limit) => Promise<Uint8Array>;
/** With `info` zlib says how much of the input it used. */
type Informed = (
  bytes: Uint8Array,
  options: Limit & { readonly info: true },
) => Promise<{ readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } }>;

const DECODERS = {
  gzip: promisify(gunzip) as Inflate,
  zstd: inflateZstd,
  br: (bytes, limit) => whole(brotliInflate, bytes, limit),
  deflate: (bytes, limit) => whole(hasZlibHeader(bytes) ? zlibInflate : rawInflate, bytes, limit),
} satisfies Record<string, Inflate>;
const brotliInflate = promisify(brotliDecompress) as unknown as Informed;
const zlibInflate = promisify(inflate) as unknown as Informed;
const rawInflate = promisify(inflateRaw) as unknown as Informed;

/** These pass over what comes behind the end; it would be events that nobody sees. */
async function whole(inflateFrom: Informed, bytes: Uint8Array, limit: Limit): Promise<Uint8Array> {
  const { buffer, engine } = await inflateFrom(bytes, { ...limit, info: true });
  if (engine.bytesWritten !== bytes.byteLength) throw new Error("bytes behind the end");
  return buffer;
}

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
export function encodingOf(headers: HeaderLookup): Encoding | undefined | Problem {
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
  await turn();
  try {
    const decoded = await DECODERS[encoding](bytes, { maxOutputLength: maxBytes });
    // A Buffer may be a view of a pool.
    return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : "broken";
  } finally {
    done();
  }
}

/** What is being decoded counts nowhere: so only a few bodies are at a time. */
const DECODING_MAX = 4;
let decoding = 0;
const waiting: (() => void)[] = [];

function turn(): Promise<void> | undefined {
  if (decoding < DECODING_MAX) {
    decoding++;
    return undefined;
  }
  return new Promise((resolve) => waiting.push(resolve));
}

function done(): void {
  const next = waiting.shift();
  if (next) next();
  else decoding--;
}
