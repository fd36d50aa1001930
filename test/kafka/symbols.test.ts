/** The symbol table against the C prototypes: a wrong number or width of arguments would corrupt memory without a word. */
import { FFIType } from "bun:ffi";
import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { laterMockSymbols, laterSymbols, librdkafkaSymbols, mockSymbols } from "../../src/kafka/native/symbols.ts";

const SOURCES = join(
  dirname(Bun.resolveSync("@confluentinc/kafka-javascript/package.json", import.meta.dir)),
  "deps/librdkafka/src",
);

/** The header without macros and comments, on one line. */
async function prototypes(header: string): Promise<string> {
  const command = ["cc", "-E", "-P", "-I", SOURCES, "-include", "rdkafka.h", "-x", "c", join(SOURCES, header)];
  const preprocessor = Bun.spawn(command, { stderr: "pipe" });
  const [text, errors] = await Promise.all([preprocessor.stdout.text(), preprocessor.stderr.text()]);
  expect([await preprocessor.exited, errors]).toEqual([0, ""]);
  return text.replace(/\s+/g, " ");
}

/** "int a, void (*cb)(int, int)" → its two parts. */
function split(parameters: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const c of parameters) {
    depth += c === "(" ? 1 : c === ")" ? -1 : 0;
    if (c === "," && depth === 0) {
      parts.push(part);
      part = "";
    } else part += c;
  }
  return [...parts, part].map((p) => p.trim()).filter((p) => p !== "" && p !== "void");
}

/** How a C type is passed. Enumerations are `int`s (structs.test.ts checks the sizes of those in use). */
function passing(declaration: string): string {
  if (declaration.includes("*")) return "pointer";
  if (/\bssize_t\b|\bint64_t\b/.test(declaration)) return "i64";
  if (/\bsize_t\b/.test(declaration)) return "u64";
  if (/int16_t\b/.test(declaration)) return declaration.includes("uint16_t") ? "u16" : "i16";
  return /\bvoid\b/.test(declaration) ? "void" : "i32";
}

const OURS: Readonly<Record<string, string>> = {
  ptr: "pointer",
  buffer: "pointer",
  usize: "u64",
  i64: "i64",
  [FFIType.i64_fast]: "i64",
  u16: "u16",
  i16: "i16",
  i32: "i32",
  /** A count, of which the low half is enough. */
  u32: "u64",
  void: "void",
};

interface Signature {
  readonly args: readonly unknown[];
  readonly returns: unknown;
}

async function check(header: string, table: Readonly<Record<string, Signature>>): Promise<void> {
  const text = await prototypes(header);
  for (const [name, { args, returns }] of Object.entries(table)) {
    // The parameters end at the first ")" that is followed by the declaration's end.
    const found = new RegExp(`([\\w *]+?)\\b${name} ?\\((.*?)\\) ?(?:__attribute__[^;]*)?;`).exec(text);
    if (!found) throw new Error(`${name} is not in ${header}`);
    const theirs = [...split(found[2]!), found[1]!].map(passing);
    const ours = [...args, returns].map((type) => OURS[String(type)]);
    expect([name, ...ours]).toEqual([name, ...theirs]);
  }
}

test("rdkafka.h", () => check("rdkafka.h", { ...librdkafkaSymbols, ...laterSymbols }));
test("rdkafka_mock.h", () => check("rdkafka_mock.h", { ...mockSymbols, ...laterMockSymbols }));
