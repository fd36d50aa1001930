/** The log's files as consume leaves them: closed, compressed, deleted or of a topic before, while verify reads or not. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { closedPath } from "../../src/consume/closed-files.ts";
import { finishClosing } from "../../src/consume/closing.ts";
import { LogFileLock } from "../../src/consume/lock.ts";
import { closeParts, contentOf, openParts } from "../../src/verify/files.ts";
import { verdictAsText } from "../../src/verify/index.ts";
import { lineOf } from "../consume/support.ts";
import { IDENTITY, lines, TestLog } from "./support.ts";

/** Another process that has the log: within one, SQLite's locks do not exclude each other's askers. */
const HOLDER = `
  import { LogFileLock } from "${import.meta.dir}/../../src/consume/lock.ts";
  const lock = new LogFileLock(process.argv[1].replace(/\\.lock$/, ""));
  console.log("locked");
  setInterval(() => lock, 1000);
`;

let log: TestLog;
beforeEach(() => {
  log = new TestLog();
});
afterEach(() => log[Symbol.dispose]());

test("closed files of a topic that the log was of before are looked at by themselves", async () => {
  await log.close(1, lines(0, 50) + lines(51, 60), null, { ...IDENTITY, topicId: "t0" });
  await log.close(2, lines(0, 100));
  writeFileSync(log.file, lines(100, 110));
  log.checkpoint([
    [0, 109],
    [1, 109],
  ]);
  const verdict = await log.verify();
  expect(verdict).toMatchObject({ files: 3, filesOfOthers: 1, lines: 338 });
  expect(verdict.partitions.get(0)).toMatchObject({ lines: 110, missing: 0, duplicated: 0 });
  expect(verdict.findings.counts).toEqual({ missing: 2 });
  expect(verdictAsText(verdict)).toContain("1 of them of another topic");
  expect((await log.verify({ allowsGaps: true })).findings.places).toEqual([]);
});

test("what a running consume is in the middle of is no fault; without one it is", async () => {
  writeFileSync(closedPath(log.file, 1, 0), lines(0, 10));
  writeFileSync(log.file, lines(10, 20) + lineOf(0, 20).slice(0, -3));
  const names = readdirSync(log.folder.path);
  expect((await log.verify()).findings.counts).toEqual({ manifest: 1, damaged: 1 });
  // It writes nothing, no lock either.
  expect(readdirSync(log.folder.path)).toEqual(names);
  const lock = new LogFileLock(log.file);
  const holder = Bun.spawn([process.execPath, "-e", HOLDER, `${log.file}.lock`], { stdout: "pipe" });
  lock.release();
  for await (const _ of holder.stdout) {
    expect((await log.verify()).findings.places).toEqual([]);
    holder.kill("SIGKILL");
  }
  expect((await log.verify()).findings.counts).toEqual({ manifest: 1, damaged: 1 });
});

test("files that are closed and compressed while they are read are read as they were", async () => {
  await log.close(1, lines(0, 10));
  const waiting = closedPath(log.file, 2, 0);
  writeFileSync(waiting, lines(10, 20));
  writeFileSync(log.file, lines(20, 30));
  const parts = await openParts(log.file);
  renameSync(log.file, closedPath(log.file, 3, 0));
  await finishClosing({ logFile: log.file, identity: IDENTITY, compression: "zstd", keep: undefined, isSynced: false });
  writeFileSync(log.file, lines(30, 40));
  expect(existsSync(waiting)).toBe(false);
  let text = "";
  for (const part of parts) for await (const piece of contentOf(part)) text += new TextDecoder().decode(piece);
  await closeParts(parts);
  expect(text).toBe(lines(0, 10) + lines(10, 20) + lines(20, 30));
});

test("an idle partition's last line may have gone with the files that --keep deleted; not without any deleted", async () => {
  await log.close(2, lines(100, 110));
  writeFileSync(log.file, lines(110, 120));
  log.checkpoint([
    [0, 119],
    [1, 119],
    [2, 7],
  ]);
  expect((await log.verify()).findings.places).toEqual([]);
  await log.close(1, lines(90, 100));
  expect((await log.verify()).findings.counts).toEqual({ checkpoint: 1 });
});

test("a closed file that is gone and has left its manifest; a log by the name of a link", async () => {
  const [first = ""] = await log.fill();
  symlinkSync(log.file, log.folder.file("link.log"));
  const verifyLink = () => log.verify({ logFile: log.folder.file("link.log") });
  expect(await verifyLink()).toMatchObject({ files: 4, lines: 800 });
  rmSync(first);
  expect((await verifyLink()).findings.counts).toEqual({ file: 1 });
});
