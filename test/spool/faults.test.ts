/** The spool and what goes wrong: kill -9, a full disk, and anything at all, held against a model. */
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rowBytes, Spool } from "../../src/spool/index.ts";
import { keptLog, until } from "../consume/support.ts";
import {
  ACKED,
  decoder,
  FakeKafka,
  impatient,
  NEVER,
  NOT_DELIVERED,
  newFolders,
  numbers,
  openIn,
  put,
} from "./support.ts";

const folder = newFolders();

test("kill -9, twenty times: whatever was said to be stored is there, once", async () => {
  const stored = new Set<number>();
  let from = 0;
  for (let round = 0; round < 20; round++) {
    const holder = Bun.spawn([process.execPath, join(import.meta.dir, "holder.ts"), folder.path, String(from)], {
      stdout: "pipe",
      stderr: "inherit",
    });
    let text = "";
    const wanted = 100 + round * 37;
    for await (const piece of holder.stdout) {
      text += decoder.decode(piece, { stream: true });
      if (text.split("\n").length > wanted) holder.kill("SIGKILL");
    }
    await holder.exited;
    for (const line of text.split("\n").slice(0, -1)) {
      expect(line).toStartWith("stored ");
      stored.add(Number(line.slice("stored ".length)));
    }
    from += 100_000;
  }
  const kafka = new FakeKafka();
  const spool = await openIn(folder, kafka);
  await until("the spool is empty", () => spool.fill.events === 0, 30_000);
  const found = kafka.taken.map(Number);
  expect(new Set(found).size).toBe(found.length);
  const there = new Set(found);
  expect([...stored].filter((n) => !there.has(n))).toEqual([]);
  // Per process, and so per key, in order.
  expect(found).toEqual(found.toSorted((a, b) => a - b));
  await spool.close();
}, 120_000);

test("a full disk refuses, loses nothing that was stored, and the spool works again when there is room", async () => {
  const disk = join(folder.path, "disk");
  mkdirSync(disk);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
  if (mounted.status !== 0)
    throw new Error(`a small disk for this test cannot be mounted (it takes root): ${mounted.stderr}`);
  try {
    const kafka = new FakeKafka();
    kafka.isThere = false;
    const { log, lines } = keptLog();
    const drain = {
      publish: kafka.publish,
      isKafkaThere: () => kafka.isThere,
      pressure: () => 0,
      log,
      clock: impatient,
    };
    const spool = await Spool.open({ folder: join(disk, "spool"), maxBytes: 1e9, log, drain });
    const fill = "x".repeat(1000);
    const answers: string[] = [];
    const texts: string[] = [];
    for (let i = 0; i < 60 && answers.at(-1) !== "spool_failed"; i++) {
      const group = numbers(i * 100, i * 100 + 100).map((n) => `${n} ${fill}`);
      const told = await Promise.all(group.map((text) => put(spool, text)));
      answers.push(...told);
      texts.push(...group.filter((_, index) => told[index] === "stored"));
    }
    expect(answers.at(-1)).toBe("spool_failed");
    expect(texts.length).toBeGreaterThan(100);
    expect(lines.some(({ msg }) => msg.includes("could not be written"))).toBe(true);
    expect(spool.fill.events).toBe(texts.length);
    // A little room, for removing to be possible.
    expect(spawnSync("mount", ["-o", "remount,size=4m", disk]).status).toBe(0);
    kafka.isThere = true;
    await until("the spool is empty", () => spool.fill.events === 0, 30_000);
    expect(kafka.taken).toEqual(texts);
    expect(await put(spool, "again")).toBe("stored");
    await spool.close();
  } finally {
    spawnSync("umount", ["-l", disk]);
  }
}, 60_000);

test("random actions, held against a model", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    rmSync(folder.path, { recursive: true, force: true });
    let state = seed * 7919;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const kafka = new FakeKafka();
    kafka.isThere = false;
    const rejected = new Set<string>();
    kafka.answer = (record) => {
      const text = decoder.decode(record.value!);
      // A record fails or not as the run of the dice says; once refused for good, it stays so.
      const dice = random(20);
      if (dice === 0) rejected.add(text);
      return rejected.has(text) ? NEVER : dice < 3 ? NOT_DELIVERED : dice === 3 ? { status: "unknown" } : ACKED;
    };
    let spool = await openIn(folder, kafka, 100 * rowBytes(10));
    const stored: string[] = [];
    let next = 0;
    for (let step = 0; step < 60; step++) {
      const action = random(10);
      if (action < 6) {
        const texts = Array.from({ length: 1 + random(10) }, () => `${next++}`);
        const told = await Promise.all(texts.map((text) => put(spool, text, `k${Number(text) % 4}`)));
        texts.forEach((text, index) => {
          if (told[index] === "stored") stored.push(text);
        });
      } else if (action < 8) {
        kafka.isThere = !kafka.isThere;
      } else if (action === 8) {
        await spool.close();
        spool = await openIn(folder, kafka, 100 * rowBytes(10));
      } else await Bun.sleep(1);
      expect(spool.fill.bytes).toBeLessThanOrEqual(spool.fill.maxBytes);
    }
    kafka.isThere = true;
    await until(`seed ${seed}: the spool is empty`, () => spool.fill.events === 0, 20_000);
    const there = new Set(kafka.taken);
    expect({ seed, missing: stored.filter((text) => !there.has(text) && !rejected.has(text)) }).toEqual({
      seed,
      missing: [],
    });
    expect({ seed, twice: kafka.taken.length - there.size }).toEqual({ seed, twice: 0 });
    expect({ seed, unexpected: kafka.taken.filter((text) => !stored.includes(text)) }).toEqual({
      seed,
      unexpected: [],
    });
    await spool.close();
  }
}, 120_000);
