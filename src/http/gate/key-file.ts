/**
 * The file of API keys: its shape, and everything that is wrong with one, each fault with its place. The file holds hashes, so that
 * whoever reads it cannot send events; messages never quote a value out of it, lest somebody put the key itself there.
 */
import { type Static, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { jsonFaultAt } from "../../json/index.ts";

const KeySchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    sha256: Type.String({ pattern: "^[0-9a-fA-F]{64}$" }),
    // Below one a second is allowed: 0.1 is a request every ten seconds.
    requests_per_s: Type.Optional(Type.Number({ minimum: 0.001, maximum: 1e9 })),
    bytes_per_s: Type.Optional(Type.Number({ minimum: 1, maximum: 1e12 })),
    topics: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 249 }), { minItems: 1 })),
  },
  { additionalProperties: false },
);

// No keys at all is valid: that is how the last one is taken back.
const FileSchema = Type.Object({ keys: Type.Array(KeySchema) }, { additionalProperties: false });

export type KeyEntry = Static<typeof KeySchema>;

const schema = TypeCompiler.Compile(FileSchema);

/** The entries, or every fault. */
export function parseKeyFile(
  bytes: Uint8Array,
): { readonly keys: readonly KeyEntry[] } | { readonly faults: string[] } {
  const faultAt = jsonFaultAt(bytes);
  // Not the parser's own message: it quotes what it found.
  if (faultAt >= 0) return { faults: [`is not JSON at ${place(bytes, faultAt)}`] };
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (!schema.Check(value)) return { faults: shapeFaults(value) };
  const faults = [...repeated(value.keys, "name"), ...repeated(value.keys, "sha256")];
  return faults.length > 0 ? { faults } : { keys: value.keys };
}

/** One fault a place: TypeBox has several for the same, the first of which says most. */
function shapeFaults(value: unknown): string[] {
  const faults = new Map<string, string>();
  for (const { path, message } of schema.Errors(value)) {
    if (!faults.has(path)) faults.set(path, `${path || "the file"}: ${sentence(path, message)}`);
  }
  return [...faults.values()];
}

function sentence(path: string, message: string): string {
  return path.endsWith("/sha256") && message.startsWith("Expected string to match")
    ? "Expected 64 hexadecimal digits, the SHA-256 of the key"
    : message;
}

function repeated(keys: readonly KeyEntry[], member: "name" | "sha256"): string[] {
  const first = new Map<string, number>();
  return keys.flatMap((key, i) => {
    const value = member === "sha256" ? key.sha256.toLowerCase() : key.name;
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, i);
    return earlier === undefined ? [] : [`/keys/${i}/${member}: the same as /keys/${earlier}/${member}`];
  });
}

function place(bytes: Uint8Array, offset: number): string {
  const before = new TextDecoder().decode(bytes.subarray(0, offset)).split("\n");
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}
