/** What a record is made of, in bytes: about what it takes in an uncompressed batch. */
import type { KafkaRecord } from "./native/index.ts";

export function recordBytes({ key, value, headers }: KafkaRecord): number {
  let bytes = length(key) + length(value);
  for (const [name, content] of headers) bytes += length(name) + length(content);
  return bytes;
}

function length(content: string | Uint8Array | null): number {
  return content === null ? 0 : Buffer.byteLength(content);
}
