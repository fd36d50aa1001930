/** Bytes that outlive what they came with: Bun hands over up to half a megabyte at once, and a view keeps all of it. */

/** The same, or a copy where they are the lesser part of their buffer. */
export function owned(bytes: Buffer): Buffer {
  return 2 * bytes.byteLength >= bytes.buffer.byteLength ? bytes : copied(bytes);
}

/** With a buffer of their own, and not of Node's pool. */
export function copied(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  bytes.copy(copy);
  return copy;
}
