import { expect, test } from "bun:test";
import { type Linked, OldestFirst } from "../src/oldest-first.ts";

class Entry implements Linked<Entry> {
  older: Entry | undefined = undefined;
  newer: Entry | undefined = undefined;
  isLinked = false;
  constructor(readonly n: number) {}
}

test("against a Set: whatever comes and goes, the oldest is the oldest, and who has left holds on to nobody", () => {
  const list = new OldestFirst<Entry>();
  const model = new Set<Entry>();
  const entries = Array.from({ length: 50 }, (_, n) => new Entry(n));
  let seed = 7;
  for (let step = 0; step < 20_000; step++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const entry = entries[seed % entries.length]!;
    if (entry.isLinked) {
      expect(list.remove(entry)).toBe(true);
      model.delete(entry);
      expect([entry.older, entry.newer]).toEqual([undefined, undefined]);
    } else {
      expect(list.remove(entry)).toBe(false);
      list.add(entry);
      model.add(entry);
    }
    const [oldest] = model;
    expect(list.oldest).toBe(oldest);
  }
  for (const entry of model) {
    expect(list.oldest).toBe(entry);
    list.remove(entry);
  }
  expect(list.oldest).toBeUndefined();
});

test("an entry cannot wait twice", () => {
  const list = new OldestFirst<Entry>();
  const entry = new Entry(1);
  list.add(entry);
  expect(() => list.add(entry)).toThrow("waits already");
});
