/** The same where the log has closed files, and some of them were just being closed. */
import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { checkpointPath, readCheckpoint, writeCheckpoint } from "../../src/consume/checkpoint.ts";
import { closedPath } from "../../src/consume/closed-files.ts";
import { finishClosing } from "../../src/consume/closing.ts";
import { unfinished } from "../../src/consume/manifest.ts";
import { identity, LogFolder } from "./log-folder.ts";
import { lineOf } from "./support.ts";

describe("a log with closed files", () => {
  const MOMENT = Date.UTC(2026, 0, 1);
  const ONE = lineOf(0, 1) + lineOf(1, 7);
  const MORE = lineOf(0, 2) + lineOf(0, 3);

  /** A checkpoint that knows the live file as it is now. */
  function checkpointNow(folder: LogFolder, offsets: readonly (readonly [number, number])[], sequence: number): void {
    const { dev, ino, size } = statSync(folder.path0);
    const file = { device: dev, inode: ino };
    writeCheckpoint(folder.path0, { identity, offsets: new Map(offsets), validBytes: size, file, sequence });
  }

  const offsets = [
    [0, 1],
    [1, 7],
  ] as const;

  /** The live file, with lines behind its checkpoint, was renamed, and there is no new one. */
  function renamedAway(folder: LogFolder, sequence: number): void {
    folder.write(ONE);
    checkpointNow(folder, offsets, sequence);
    appendFileSync(folder.path0, MORE);
    renameSync(folder.path0, closedPath(folder.path0, sequence + 1, MOMENT));
  }

  test("ended between the rename and the new file: what the closed one has is known", () => {
    using folder = new LogFolder();
    renamedAway(folder, 4);
    expect(folder.recover()).toEqual({ offsets: { 0: 3, 1: 7 }, validBytes: 0, text: "", said: "" });
    expect(readCheckpoint(folder.path0)).toMatchObject({ sequence: 5 });
  });

  test("ended between the new file and its checkpoint: the same, and what the new one has", () => {
    using folder = new LogFolder();
    renamedAway(folder, 0);
    writeFileSync(folder.path0, lineOf(1, 8));
    expect(folder.recover()).toMatchObject({ offsets: { 0: 3, 1: 8 }, text: lineOf(1, 8), said: "" });
  });

  test("where no checkpoint could be written for several files, all of them are read", () => {
    using folder = new LogFolder();
    folder.write(ONE);
    checkpointNow(folder, offsets, 0);
    renameSync(folder.path0, closedPath(folder.path0, 1, MOMENT));
    writeFileSync(closedPath(folder.path0, 2, MOMENT), lineOf(2, 5));
    writeFileSync(closedPath(folder.path0, 3, MOMENT), MORE);
    writeFileSync(folder.path0, "");
    expect(folder.recover().offsets).toEqual({ 0: 3, 1: 7, 2: 5 });
  });

  test("a torn tail of a closed file is cut, too", () => {
    using folder = new LogFolder();
    folder.write(ONE);
    checkpointNow(folder, offsets, 0);
    const closed = closedPath(folder.path0, 1, MOMENT);
    renameSync(folder.path0, closed);
    appendFileSync(closed, lineOf(0, 2).slice(0, 20));
    expect(folder.recover()).toMatchObject({ offsets: { 0: 1, 1: 7 }, said: expect.stringContaining("torn tail") });
    expect(readFileSync(closed, "utf8")).toBe(ONE);
  });

  test("files that the checkpoint knows of are not read again", () => {
    using folder = new LogFolder();
    writeFileSync(closedPath(folder.path0, 1, MOMENT), lineOf(0, 99));
    folder.write(ONE);
    checkpointNow(folder, offsets, 1);
    expect(folder.recover()).toMatchObject({ offsets: { 0: 1, 1: 7 }, said: "" });
  });

  test("without a checkpoint, manifests say what compressed files have", async () => {
    using folder = new LogFolder();
    writeFileSync(closedPath(folder.path0, 1, MOMENT), MORE);
    writeFileSync(closedPath(folder.path0, 2, MOMENT), lineOf(2, 5));
    const logFile = folder.path0;
    await finishClosing({ logFile, identity, compression: "gzip", keep: undefined, isSynced: false });
    writeFileSync(closedPath(folder.path0, 3, MOMENT), lineOf(3, 1));
    folder.write(ONE);
    expect(folder.recover().offsets).toEqual({ 0: 3, 1: 7, 2: 5, 3: 1 });
  });

  test("a file that was moved or deleted while nobody ran: what it had is not written again", () => {
    for (const move of [
      (folder: LogFolder) => renameSync(folder.path0, folder.file("consumer.log.1")),
      // Kept, so that the new file cannot be given its inode.
      (folder: LogFolder) => {
        linkSync(folder.path0, folder.file("kept"));
        rmSync(folder.path0);
      },
    ]) {
      using folder = new LogFolder();
      folder.write(ONE);
      checkpointNow(folder, offsets, 0);
      move(folder);
      expect(folder.recover()).toEqual({
        offsets: { 0: 1, 1: 7 },
        validBytes: 0,
        text: "",
        said: expect.stringContaining("moved or deleted"),
      });
    }
  });

  test("a live file that somebody cut: closed files count all the same", () => {
    using folder = new LogFolder();
    writeFileSync(closedPath(folder.path0, 1, MOMENT), lineOf(0, 50));
    folder.write(ONE);
    checkpointNow(
      folder,
      [
        [0, 50],
        [1, 8],
      ],
      1,
    );
    truncateSync(folder.path0, lineOf(0, 1).length);
    expect(folder.recover().offsets).toEqual({ 0: 50 });
  });

  test("without a checkpoint, lines that name another topic are another topic's", () => {
    using folder = new LogFolder();
    const line = '{"partition":0,"offset":5000,"timestamp":1,"topic":"old","id":null,"key":null,"value":1}\n';
    folder.write(line);
    expect(folder.recover()).toMatchObject({ offsets: {}, text: null, said: expect.stringContaining("set aside") });
    writeFileSync(folder.path0, line.replace("old", identity.topic));
    rmSync(checkpointPath(folder.path0));
    expect(folder.recover()).toMatchObject({ offsets: { 0: 5000 }, said: "" });
  });

  test("a last line that is not ours stays, and what looks like ours and is torn goes", () => {
    using folder = new LogFolder();
    folder.write(`${ONE}{"note":1}\n`);
    expect(folder.recover()).toMatchObject({ text: `${ONE}{"note":1}\n`, said: expect.stringContaining("not ours") });
    folder.write(`${ONE}{"partition":0,"offset":9,"val\n`);
    rmSync(checkpointPath(folder.path0), { force: true });
    expect(folder.recover().text).toBe(ONE);
  });

  test("of another topic: closed files keep their names, those without a manifest are set aside, and numbers go on", async () => {
    using folder = new LogFolder();
    const logFile = folder.path0;
    writeFileSync(closedPath(logFile, 1, MOMENT), MORE);
    await finishClosing({ logFile, identity, compression: null, keep: undefined, isSynced: false });
    writeFileSync(closedPath(logFile, 2, MOMENT), lineOf(2, 5));
    folder.write(ONE);
    checkpointNow(folder, offsets, 2);
    expect(folder.recover({ ...identity, topic: "other" }).offsets).toEqual({});
    expect(unfinished(logFile)).toEqual([]);
    expect(readFileSync(`${logFile}.2026-01-02T03-04-05.000Z.2`, "utf8")).toBe(lineOf(2, 5));
    expect(readCheckpoint(logFile)).toMatchObject({ sequence: 1 });
    // The next start does not take the other topic's offsets for its own.
    expect(folder.recover({ ...identity, topic: "other" }).offsets).toEqual({});
  });
});
