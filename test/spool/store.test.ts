import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyTable } from "../../src/spool/key-table.ts";
import { pack, unpack } from "../../src/spool/messages.ts";
import type { StoredRecord } from "../../src/spool/record.ts";
import { FILE_NAME, SpoolError, Store } from "../../src/spool/store.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-spool-"));
  path = join(folder, FILE_NAME);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stored(sequence: number, over: Partial<StoredRecord> = {}): StoredRecord {
  return {
    sequence,
    topic: "t",
    key: `k${sequence}`,
    value: new TextEncoder().encode(`{"n":${sequence}}`),
    headers: [["id", `e${sequence}`]],
    timestampMs: undefined,
    bytes: 100,
    ...over,
  };
}

const MOMENT = Date.UTC(2026, 0, 2, 3, 4, 5);

test("what was put is there after the next opening, byte for byte, in order", () => {
  const records = [
    stored(1, { key: null, value: null }),
    stored(2, { value: new Uint8Array(0), key: "", timestampMs: 1_700_000_000_000 }),
    stored(3, {
      value: new Uint8Array([0, 255, 10]),
      key: "ü\0\u{1F600}",
      headers: [
        ["a", "1"],
        ["a", "ß"],
      ],
    }),
  ];
  const first = new Store(folder);
  first.put(records);
  expect(first.read(0, 10, 1000)).toMatchObject(records);
  first.close();
  const second = new Store(folder);
  expect(second.found).toMatchObject({ events: 3, bytes: 300, lastSequence: 3, setAside: undefined, foreign: [] });
  expect(second.read(0, 10, 1000)).toMatchObject(records);
  expect(second.read(1, 10, 1000).map(({ sequence }) => sequence)).toEqual([2, 3]);
  expect(second.read(0, 2, 1000)).toHaveLength(2);
  expect(second.read(0, 10, 150)).toHaveLength(1);
  second.remove([1, 3], []);
  expect(second.read(0, 10, 1000)).toMatchObject([records[1]!]);
  second.close();
});

test("a group that cannot be put as a whole is not put at all, and the store goes on", () => {
  const store = new Store(folder);
  store.put([stored(1)]);
  expect(() => store.put([stored(2), stored(1)])).toThrow();
  expect(store.read(0, 10, 1000).map(({ sequence }) => sequence)).toEqual([1]);
  store.put([stored(2)]);
  expect(store.read(0, 10, 1000)).toHaveLength(2);
  store.close();
});

test("what Kafka will never take is set aside with the reason, and numbers do not come again", () => {
  const store = new Store(folder);
  store.put([stored(1), stored(2)]);
  store.remove([1], [{ sequence: 2, reason: "rejected_by_kafka: no" }]);
  store.close();
  const again = new Store(folder);
  expect(again.found).toMatchObject({ events: 0, rejected: 1, lastSequence: 2 });
  again.close();
  const database = new Database(path, { readonly: true });
  expect(database.query("SELECT sequence, reason, CAST(value AS TEXT) AS value FROM rejected").all()).toEqual([
    { sequence: 2, reason: "rejected_by_kafka: no", value: '{"n":2}' },
  ]);
  database.close();
});

test("a second process is told that there is a first", () => {
  const store = new Store(folder);
  expect(() => new Store(folder)).toThrow(SpoolError);
  expect(() => new Store(folder)).toThrow("another process");
  store.close();
  new Store(folder).close();
});

test.each([
  ["garbage", () => writeFileSync(path, "not a database, and longer than a header of one hundred bytes ".repeat(40))],
  [
    "another program's database",
    () => {
      const other = new Database(path, { create: true });
      other.run("CREATE TABLE theirs (x)");
      other.close();
    },
  ],
  [
    "a database that was cut",
    () => {
      const store = new Store(folder);
      store.put(Array.from({ length: 2000 }, (_, i) => stored(i + 1)));
      store.close();
      truncateSync(path, 20_000);
    },
  ],
  [
    "a database with a page of garbage",
    () => {
      const store = new Store(folder);
      store.put(Array.from({ length: 2000 }, (_, i) => stored(i + 1)));
      store.close();
      const bytes = readFileSync(path);
      bytes.fill(0xa5, 8192, 12_288);
      writeFileSync(path, bytes);
    },
  ],
  [
    "a spool without one of its tables",
    () => {
      const store = new Store(folder);
      store.close();
      const database = new Database(path);
      database.run("DROP TABLE rejected");
      database.close();
    },
  ],
  [
    "a spool of a version to come",
    () => {
      const store = new Store(folder);
      store.close();
      const database = new Database(path);
      database.run("PRAGMA user_version = 99");
      database.close();
    },
  ],
])("%s is set aside whole, and said; a new spool is begun", (_what, spoil) => {
  spoil();
  const before = readFileSync(path);
  const store = new Store(folder, MOMENT);
  expect(store.found.setAside).toEqual({ path: `${path}.aside-20260102T030405Z`, reason: expect.any(String) });
  expect(store.found.events).toBe(0);
  store.put([stored(1)]);
  store.close();
  expect(readFileSync(`${path}.aside-20260102T030405Z`).equals(before)).toBe(true);
  const again = new Store(folder);
  expect(again.found).toMatchObject({ events: 1, setAside: undefined, foreign: [] });
  expect(again.found.asideBefore).toEqual([`${FILE_NAME}.aside-20260102T030405Z`]);
  again.close();
});

test("an empty file, as a process leaves that died at its first step, is begun anew", () => {
  writeFileSync(path, "");
  const store = new Store(folder);
  expect(store.found.setAside).toBeUndefined();
  store.put([stored(1)]);
  store.close();
});

test("foreign files are named and left alone", () => {
  writeFileSync(join(folder, "notes.txt"), "mine");
  const store = new Store(folder);
  expect(store.found.foreign).toEqual(["notes.txt"]);
  store.close();
  expect(readdirSync(folder).sort()).toEqual(["notes.txt", FILE_NAME]);
});

test("the disk's room comes back when the spool is emptied", () => {
  const store = new Store(folder);
  const value = new Uint8Array(1000);
  const sequences = Array.from({ length: 5000 }, (_, i) => i + 1);
  store.put(sequences.map((sequence) => stored(sequence, { value })));
  for (let at = 0; at < sequences.length; at += 500) store.remove(sequences.slice(at, at + 500), []);
  store.close();
  expect(Bun.file(path).size).toBeLessThan(200_000);
});

test("the key table never says no for a key that is there", () => {
  const table = new KeyTable();
  const model = new Map<string, number>();
  for (let step = 0; step < 20_000; step++) {
    const key = `key ${(step * 7919) % 3000}`;
    const count = model.get(key) ?? 0;
    if (count > 0 && step % 3 === 0) {
      table.remove("t", key);
      model.set(key, count - 1);
    } else {
      table.add("t", key);
      model.set(key, count + 1);
    }
  }
  for (const [key, count] of model) if (count > 0) expect(table.holds("t", key)).toBe(true);
  for (const [key, count] of model) for (let i = 0; i < count; i++) table.remove("t", key);
  expect(table.counts.every((count) => count === 0)).toBe(true);
  table.add("t", null);
  expect(table.holds("t", null)).toBe(false);
});

test("packing keeps every value, also none and an empty one", () => {
  const body = new TextEncoder().encode("xxonetwoxx");
  const records = [
    stored(1, { value: body.subarray(2, 5) }),
    stored(2, { value: null }),
    stored(3, { value: new Uint8Array(0) }),
    stored(4, { value: body.subarray(5, 8) }),
  ];
  const packed = pack(records);
  expect(packed.values.byteLength).toBe(6);
  expect(unpack(packed)).toEqual(records);
});
