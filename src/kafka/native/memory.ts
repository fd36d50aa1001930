/**
 * Memory that C reads and writes, and who owns it.
 *
 * Two rules, because breaking either corrupts memory long before anything crashes (docs/ARCHITECTURE.md, "Memory"):
 *  1. What C uses only during one call is passed as a `buffer` argument (`cString`, `OutWord`), never as a pointer taken before.
 *  2. What C uses by address lives in an `OwnedBuffer` that its user holds in a field for as long as C may touch it.
 */
import { CString, type Pointer, ptr, read } from "bun:ffi";

/** A number of bytes at an address that does not move while the owner is held. */
export class OwnedBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly address: number;

  /** `size` in bytes; rounded up to whole 8-byte words. Throws a RangeError where there is no such amount of memory. */
  constructor(size: number) {
    // From an ArrayBuffer, not from a length: a small typed array keeps its bytes inside the GC's heap, where they move.
    // Not rounded by bit operations: those wrap at 2^31, and C would be given less memory than it was told.
    const memory = new ArrayBuffer(Math.max(8, Math.ceil(size / 8) * 8));
    this.bytes = new Uint8Array(memory);
    this.u32 = new Uint32Array(memory);
    this.address = ptr(this.bytes);
  }

  /** 0 once the bytes were transferred to another thread: the address is no longer ours then. */
  get size(): number {
    return this.bytes.byteLength;
  }

  /** Writes `value` as a 64-bit little-endian word at byte offset `at` (a multiple of 4). Whole numbers up to 2^53. */
  setWord(at: number, value: number): void {
    this.u32[at >> 2] = value >>> 0;
    this.u32[(at >> 2) + 1] = Math.floor(value / 4_294_967_296);
  }

  /** The 64-bit word at byte offset `at`, as a pointer; null where it is 0. */
  pointerAt(at: number): Pointer | null {
    const value = this.u32[at >> 2]! + this.u32[(at >> 2) + 1]! * 4_294_967_296;
    return value === 0 ? null : (value as Pointer);
  }
}

/** An address inside an `OwnedBuffer`, in the type that `bun:ffi` wants. */
export function at(buffer: OwnedBuffer, offset: number): Pointer {
  return (buffer.address + offset) as Pointer;
}

/** `value`, where C's `int` holds it: bun:ffi would wrap it without a word. */
export function int32(value: number, what: string): number {
  if ((value | 0) !== value) throw new RangeError(`${what} must be a whole number of 32 bits, not ${value}`);
  return value;
}

const encoder = new TextEncoder();

/** NUL-terminated UTF-8, to pass as a `buffer` argument of one call. Throws where the text itself holds a NUL. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new TypeError(`text for C must not hold a NUL: ${JSON.stringify(text)}`);
  return encoder.encode(`${text}\0`);
}

/** The text behind a `const char *`; "" for a null pointer. Copied: the C string may go away afterwards. */
export function textAt(pointer: Pointer | null): string {
  return pointer === null || (pointer as number) === 0 ? "" : new CString(pointer).toString();
}

/** A signed 64-bit field as a number: exact within ±2^53, which every offset and timestamp is. */
export function readI64(pointer: Pointer, offset: number): number {
  return read.u32(pointer, offset) + read.i32(pointer, offset + 4) * 4_294_967_296;
}

/** The pointers of a `T **` with `count` elements. */
export function pointersAt(array: Pointer | null, count: number): Pointer[] {
  const pointers: Pointer[] = [];
  if (array === null) return pointers;
  for (let i = 0; i < count; i++) pointers.push(read.ptr(array, i * 8) as Pointer);
  return pointers;
}

/** One 8-byte out-parameter: pass `.bytes` as a `buffer` argument, then read. */
export class OutWord {
  readonly bytes = new BigUint64Array(1);

  get asNumber(): number {
    return Number(this.bytes[0]);
  }

  get asPointer(): Pointer | null {
    return this.bytes[0] === 0n ? null : (this.asNumber as Pointer);
  }
}

/** Room for the error text that several librdkafka functions write: pass `.bytes` and `.size`, then read `.text`. */
export class ErrorText {
  readonly bytes = new Uint8Array(512);
  readonly size = 512;

  get text(): string {
    const end = this.bytes.indexOf(0);
    return Buffer.from(this.bytes.subarray(0, end < 0 ? this.size : end)).toString("utf8");
  }
}

/** A `T *` array as a `buffer` argument of one call. */
export function pointerArray(pointers: readonly Pointer[]): BigUint64Array {
  return BigUint64Array.from(pointers, (pointer) => BigInt(pointer as number));
}
