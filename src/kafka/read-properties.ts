/**
 * Reads what the user gave as librdkafka properties. Nothing here quotes a value or what could be one: it may be a password, also
 * where it stands in the wrong place.
 */
import { readFileSync } from "node:fs";
import { ConfigurationError } from "./native/index.ts";
import type { Properties } from "./properties.ts";

const INLINE = /^\s*([\w.]+)\s*=([\s\S]*)$/;
const FILE_MAX_BYTES = 1_000_000;

/** Each is `name=value` or the path of a properties file; the last one to name a property counts. Throws `ConfigurationError`. */
export function readProperties(given: readonly string[]): Properties {
  const properties = new Map<string, string>();
  for (const [i, piece] of given.entries()) {
    const which = given.length === 1 ? "the value" : `value ${i + 1} of ${given.length}`;
    if (INLINE.test(piece)) add(properties, piece, which);
    else readFile(piece.trim(), which, properties);
  }
  return Object.fromEntries(properties);
}

function readFile(path: string, which: string, properties: Map<string, string>): void {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unreadable";
    throw new ConfigurationError(`${which} is neither name=value nor a file that can be read (${code})`);
  }
  if (text.length > FILE_MAX_BYTES) throw new ConfigurationError(`${which} is a file of over ${FILE_MAX_BYTES} bytes`);
  for (const [i, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (!/^\s*(?:#|$)/.test(line)) add(properties, line, `${path}, line ${i + 1},`);
  }
}

function add(properties: Map<string, string>, pair: string, where: string): void {
  const [, name, value] = INLINE.exec(pair) ?? [];
  if (name === undefined || value === undefined) throw new ConfigurationError(`${where} is not name=value`);
  if (value.includes("\0")) throw new ConfigurationError(`${where} holds a NUL, in the value of ${name}`);
  // At the end of the order, where it is the last to be set.
  properties.delete(name);
  properties.set(name, value.trim());
}
