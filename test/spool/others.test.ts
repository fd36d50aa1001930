/** Events that a run with another number of processes left in the spool are seen. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spoolsOfOthers } from "../../src/spool/index.ts";
import { FILE_NAME, SpoolError, Store } from "../../src/spool/store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-others-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function spoolIn(name: string, events: number): Store {
  mkdirSync(join(folder, name), { recursive: true });
  const store = new Store(join(folder, name));
  const record = { topic: "t", key: null, value: null, headers: [], timestampMs: undefined, bytes: 1 };
  store.put(Array.from({ length: events }, (_, i) => ({ ...record, sequence: i + 1 })));
  return store;
}

function closedSpoolIn(name: string, events: number): void {
  spoolIn(name, events).close(true);
}

test("one process finds those of several, the highest number first", () => {
  for (const [name, events] of [
    ["0", 3],
    ["1", 0],
    ["2", 2],
  ] as const)
    closedSpoolIn(name, events);
  expect(spoolsOfOthers(folder, 1)).toEqual([
    { folder: join(folder, "2"), events: 2, processes: 3 },
    { folder: join(folder, "0"), events: 3, processes: 2 },
  ]);
  expect(spoolsOfOthers(folder, 2)).toEqual([{ folder: join(folder, "2"), events: 2, processes: 3 }]);
  expect(spoolsOfOthers(folder, 3)).toEqual([]);
});

test("several find that of one", () => {
  closedSpoolIn("", 4);
  expect(spoolsOfOthers(folder, 2)).toEqual([{ folder, events: 4, processes: 1 }]);
  expect(spoolsOfOthers(folder, 1)).toEqual([]);
});

test("looking leaves the spool as it is, and free", () => {
  closedSpoolIn("1", 2);
  spoolsOfOthers(folder, 1);
  const again = new Store(join(folder, "1"));
  expect(again.found).toMatchObject({ events: 2, setAside: undefined });
  again.close(true);
});

test("a folder that is not there, and one with other things in it, hold none", () => {
  expect(spoolsOfOthers(join(folder, "none"), 2)).toEqual([]);
  mkdirSync(join(folder, "5"));
  mkdirSync(join(folder, "backup"));
  writeFileSync(join(folder, "7"), "a file");
  expect(spoolsOfOthers(folder, 2)).toEqual([]);
});

test("one that is in use, or no database, is named", () => {
  const store = spoolIn("1", 1);
  expect(() => spoolsOfOthers(folder, 1)).toThrow(SpoolError);
  store.close(true);
  writeFileSync(join(folder, "1", FILE_NAME), "no database".repeat(100));
  expect(() => spoolsOfOthers(folder, 1)).toThrow(join(folder, "1"));
});
