/** Codes and names against the Confluent package's own table. */
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

test("the name of each code is one of the package's names for it", () => {
  const namesOf = Map.groupBy(
    [...theirs].filter(([name]) => !/__(BEGIN|END)$/.test(name)),
    ([, code]) => code,
  );
  for (const [code, entries] of namesOf) expect(entries.map(([name]) => name)).toContain(codeName(code));
  // A few codes have a second, older name there.
  expect([...namesOf.values()].filter((entries) => entries.length > 1).length).toBeLessThan(5);
});

test("an error says its name and a sentence", () => {
  const error = new KafkaError(CODES.ERR__TRANSPORT);
  expect([error.code, error.codeName]).toEqual([-195, "ERR__TRANSPORT"]);
  expect(error.message).toBe("ERR__TRANSPORT: Local: Broker transport failure");
  expect(new KafkaError(CODES.ERR__TRANSPORT, "told").message).toBe("ERR__TRANSPORT: told");
});
