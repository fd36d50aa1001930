import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { CODES, codeName, KafkaError } from "../../src/kafka/index.ts";

const folder = dirname(Bun.resolveSync("@confluentinc/kafka-javascript/package.json", import.meta.dir));
const source = await Bun.file(join(folder, "lib/error.js")).text();
const theirs = new Map(Array.from(source.matchAll(/^ {2}(ERR_\w+): (-?\d+),/gm), (m) => [m[1]!, Number(m[2])]));

test("our codes are the Confluent package's", () => {
  expect(theirs.size).toBeGreaterThan(150);
  for (const [name, code] of Object.entries(CODES)) expect([name, theirs.get(name)]).toEqual([name, code]);
});

test("every error carries the package's name for its code", () => {
  const different = [...theirs].filter(([name, code]) => !name.endsWith("__BEGIN") && !name.endsWith("__END") && codeName(code) !== name);
  // Where the two spell a name differently, it is the package that differs from the C library's own table.
  expect(different.map(([name]) => name)).toEqual([]);
  expect(new KafkaError(CODES.ERR__TRANSPORT).message).toStartWith("ERR__TRANSPORT: ");
});
