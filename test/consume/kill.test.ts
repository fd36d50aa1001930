/** kill -9 at whatever moment: between write, checkpoint, commit, closing, compressing and manifest. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Compression, closedFiles } from "../../src/consume/closed-files.ts";
import { Closer } from "../../src/consume/closer.ts";
import { unfinished } from "../../src/consume/manifest.ts";
import { recover } from "../../src/consume/recovery.ts";
import { verify } from "../../src/verify/index.ts";
import { IDENTITY, type KillSettings } from "./kill-settings.ts";
import { keptLog, TestFolder } from "./support.ts";

const ROUNDS = 20;
/** There are more, over all rounds. How many a round has before it is killed, the disk decides. */
const CLOSED_FILES = 20;

test.each([
  [null, false],
  ["gzip", false],
  ["zstd", true],
] as const)(
  "compression %s, synced %p: killed again and again, every line is there once, and every manifest is true",
  async (compression: Compression | null, isSynced) => {
    using folder = new TestFolder();
    const [logFile, committedFile] = [folder.file("consumer.log"), folder.file("committed.json")];
    for (let round = 0; round < ROUNDS || closedFiles(logFile).length <= CLOSED_FILES; round++) {
      const committed = existsSync(committedFile)
        ? (JSON.parse(readFileSync(committedFile, "utf8")) as number[])
        : [0, 0, 0];
      const settings: KillSettings = { logFile, committedFile, committed, isSynced, compression };
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "kill-child.ts"), JSON.stringify(settings)], {
        stdout: "pipe",
        stderr: "pipe",
      });
      for await (const _ of child.stdout) setTimeout(() => child.kill("SIGKILL"), 20 + Math.random() * 100);
      await child.exited;
      expect(await child.stderr.text()).toBe("");
    }
    const { log } = keptLog();
    recover(logFile, IDENTITY, log);
    const closer = new Closer({ logFile, identity: IDENTITY, compression, keep: undefined, isSynced }, log);
    await closer.whenIdle();
    expect(unfinished(logFile)).toEqual([]);
    const verdict = await verify({ logFile, client: undefined, isComplete: false, allowsGaps: false });
    expect(verdict.findings.places).toEqual([]);
    const committed = JSON.parse(readFileSync(committedFile, "utf8")) as number[];
    committed.forEach((next, partition) => {
      expect(verdict.partitions.get(partition)!.firstOffset).toBe(0);
      expect(verdict.partitions.get(partition)!.lastOffset! + 1).toBeGreaterThanOrEqual(next);
    });
    expect(verdict.files).toBeGreaterThan(CLOSED_FILES);
  },
  60_000,
);
