import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { checkpointPath, readCheckpoint, type TopicIdentity, writeCheckpoint } from "../../src/consume/checkpoint.ts";
import { closedPath } from "../../src/consume/closed-files.ts";
import { finishClosing } from "../../src/consume/closing.ts";
import { LogFileError } from "../../src/consume/log-file.ts";
import { scanLog } from "../../src/consume/log-scan.ts";
import { unfinished } from "../../src/consume/manifest.ts";
import { recover } from "../../src/consume/recovery.ts";
import { keptLog, lineOf, TestFolder } from "./support.ts";

const identity: TopicIdentity = { clusterId: "c1", topic: "events", topicId: "t1" };

class LogFolder extends TestFolder {
  readonly path0 = this.file("consumer.log");

  write(text: string, offsets?: Readonly<Record<number, number>>, validBytes = text.length, of = identity): void {
    writeFileSync(this.path0, text);
    if (offsets)
      writeCheckpoint(this.path0, {
        identity: of,
        offsets: new Map(Object.entries(offsets).map(([p, o]) => [Number(p), o])),
        validBytes,
        sequence: 0,
      });
  }

  recover(as = identity) {
    const { log, lines } = keptLog();
    const checkpoint = recover(this.path0, as, log, Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(readCheckpoint(this.path0)).toEqual(checkpoint);
    return {
      offsets: Object.fromEntries(checkpoint.offsets),
      validBytes: checkpoint.validBytes,
      text: existsSync(this.path0) ? readFileSync(this.path0, "utf8") : null,
      said: lines.map(({ msg }) => msg).join("; "),
    };
  }
}

const TWO = lineOf(0, 1) + lineOf(1, 7);

describe("the checkpoint", () => {
  test("is read as it was written", () => {
    using folder = new TestFolder();
    for (const topicId of ["t1", null]) {
      const checkpoint = {
        identity: { ...identity, topicId },
        offsets: new Map([
          [0, 5],
          [11, 2 ** 53 - 1],
        ]),
        validBytes: 12_345,
        file: { device: 3, inode: 2 ** 53 - 1 },
        sequence: 7,
      };
      writeCheckpoint(folder.file("a"), checkpoint);
      expect(readCheckpoint(folder.file("a"))).toEqual(checkpoint);
    }
    expect(JSON.parse(readFileSync(checkpointPath(folder.file("a")), "utf8"))).toEqual({
      version: 1,
      cluster_id: "c1",
      topic: "events",
      topic_id: null,
      offsets: { 0: 5, 11: 2 ** 53 - 1 },
      valid_bytes: 12_345,
      device: 3,
      inode: 2 ** 53 - 1,
      sequence: 7,
    });
    expect(readdirSync(folder.path)).toEqual(["a.checkpoint"]);
  });

  test("that cannot be used says why", () => {
    using folder = new TestFolder();
    expect(readCheckpoint(folder.file("a"))).toBeUndefined();
    const whole = { version: 1, cluster_id: "c", topic: "t", topic_id: null, offsets: {}, valid_bytes: 0 };
    writeFileSync(checkpointPath(folder.file("a")), JSON.stringify(whole));
    expect(readCheckpoint(folder.file("a"))).toBeObject();
    const broken = [
      { version: 2 },
      { cluster_id: 1 },
      { topic: null },
      { topic_id: 3 },
      { offsets: { x: 1 } },
      { offsets: { 0: -1 } },
      { offsets: null },
      { valid_bytes: "1" },
    ];
    for (const text of ["", "{", "null", "[]", ...broken.map((over) => JSON.stringify({ ...whole, ...over }))]) {
      writeFileSync(checkpointPath(folder.file("a")), text);
      expect(readCheckpoint(folder.file("a"))).toBeString();
    }
  });
});

describe("recovery", () => {
  test("of nothing is a beginning", () => {
    using folder = new LogFolder();
    expect(folder.recover()).toEqual({ offsets: {}, validBytes: 0, text: "", said: "" });
    folder.write("");
    expect(folder.recover()).toEqual({ offsets: {}, validBytes: 0, text: "", said: "" });
  });

  test("without a checkpoint reads the whole file", () => {
    using folder = new LogFolder();
    folder.write(TWO);
    expect(folder.recover()).toEqual({ offsets: { 0: 1, 1: 7 }, validBytes: TWO.length, text: TWO, said: "" });
  });

  test("with a checkpoint reads only what came after", () => {
    using folder = new LogFolder();
    folder.write(TWO + lineOf(1, 8) + lineOf(2, 0), { 0: 100, 1: 7 }, TWO.length);
    const result = folder.recover();
    expect(result.offsets).toEqual({ 0: 100, 1: 8, 2: 0 });
    expect(result.validBytes).toBe(statSync(folder.path0).size);
    expect(result.said).toBe("");
  });

  test.each([
    ["an unfinished line", '{"partition":0,"offset":2,"value":1'],
    ["half a head", '{"part'],
    ["a last line that is not JSON", '{"partition":0,"offset":2,"value":\n'],
    ["a last line of NULs", "\0\0\0\0\n"],
    ["a last line without our head", "hello\n"],
    ["NULs without an end", "\0".repeat(5000)],
  ])("cuts a torn tail: %s", (_what, tail) => {
    for (const offsets of [undefined, { 0: 1, 1: 7 }]) {
      using folder = new LogFolder();
      folder.write(TWO + tail, offsets, TWO.length);
      const result = folder.recover();
      expect(result).toEqual({
        offsets: { 0: 1, 1: 7 },
        validBytes: TWO.length,
        text: TWO,
        said: expect.stringContaining("torn tail"),
      });
      expect(folder.recover().said).toBe("");
    }
  });

  test("cuts a file that holds nothing but a torn line", () => {
    using folder = new LogFolder();
    folder.write('{"partition":0,"off');
    expect(folder.recover()).toEqual({
      offsets: {},
      validBytes: 0,
      text: "",
      said: expect.stringContaining("torn tail"),
    });
  });

  test("leaves broken lines in the middle where they are, and says so", () => {
    using folder = new LogFolder();
    const text = `${lineOf(0, 1)}note\n${lineOf(0, 2)}`;
    folder.write(text);
    expect(folder.recover()).toEqual({
      offsets: { 0: 2 },
      validBytes: text.length,
      text,
      said: expect.stringContaining("not ours"),
    });
  });

  test("of a file that is shorter than its checkpoint says trusts the file alone", () => {
    using folder = new LogFolder();
    folder.write(TWO + lineOf(0, 2), { 0: 2, 1: 7, 3: 3 });
    truncateSync(folder.path0, TWO.length);
    expect(folder.recover()).toEqual({
      offsets: { 0: 1, 1: 7 },
      validBytes: TWO.length,
      text: TWO,
      said: expect.stringContaining("not the one of its checkpoint"),
    });
    truncateSync(folder.path0, 0);
    expect(folder.recover()).toEqual({
      offsets: {},
      validBytes: 0,
      text: "",
      said: expect.stringContaining("not the one of its checkpoint"),
    });
  });

  test("of another file under the same name notices where no line ends", () => {
    using folder = new LogFolder();
    folder.write(lineOf(0, 1) + lineOf(0, 22) + lineOf(0, 333), { 0: 900 }, lineOf(0, 1).length + 3);
    expect(folder.recover()).toMatchObject({
      offsets: { 0: 333 },
      said: expect.stringContaining("not the one of its checkpoint"),
    });
  });

  test("with a checkpoint that cannot be read falls back to the file", () => {
    using folder = new LogFolder();
    folder.write(TWO);
    writeFileSync(checkpointPath(folder.path0), "garbage");
    expect(folder.recover()).toEqual({
      offsets: { 0: 1, 1: 7 },
      validBytes: TWO.length,
      text: TWO,
      said: expect.stringContaining("cannot be used"),
    });
  });

  test.each([
    ["another cluster", { ...identity, clusterId: "c2" }],
    ["another topic", { ...identity, topic: "other" }],
    ["a topic made anew", { ...identity, topicId: "t2" }],
  ])("sets the file of %s aside", (_what, current) => {
    using folder = new LogFolder();
    folder.write(TWO, { 0: 1, 1: 7 });
    expect(folder.recover(current)).toEqual({
      offsets: {},
      validBytes: 0,
      text: null,
      said: expect.stringContaining("set aside"),
    });
    const aside = `${folder.path0}.2026-01-02T03-04-05.000Z`;
    expect(readFileSync(aside, "utf8")).toBe(TWO);
    expect(readCheckpoint(aside)).toMatchObject({ identity });
    expect(readdirSync(folder.path)).toHaveLength(3);
  });

  test("goes by the name alone where one side has no topic id", () => {
    using folder = new LogFolder();
    folder.write(TWO, { 0: 1, 1: 7 });
    expect(folder.recover({ ...identity, topicId: null })).toMatchObject({ text: TWO, said: "" });
    expect(folder.recover(identity)).toMatchObject({ text: TWO, said: "" });
    expect(folder.recover({ ...identity, topic: "x", topicId: null }).said).toContain("set aside");
  });

  test("refuses a file that is something else, and leaves it alone", () => {
    for (const text of ["# Notes\n", "x", "\n", '{"level":"info"}\n']) {
      using folder = new LogFolder();
      folder.write(text);
      expect(() => folder.recover()).toThrow(LogFileError);
      expect(readFileSync(folder.path0, "utf8")).toBe(text);
    }
  });
});

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

  test("ended between the rename and the new file: what the closed one has is known", () => {
    using folder = new LogFolder();
    folder.write(ONE);
    checkpointNow(folder, offsets, 4);
    appendFileSync(folder.path0, MORE);
    renameSync(folder.path0, closedPath(folder.path0, 5, MOMENT));
    expect(folder.recover()).toEqual({ offsets: { 0: 3, 1: 7 }, validBytes: 0, text: "", said: "" });
    expect(readCheckpoint(folder.path0)).toMatchObject({ sequence: 5 });
  });

  test("ended between the new file and its checkpoint: the same, and what the new one has", () => {
    using folder = new LogFolder();
    folder.write(ONE);
    checkpointNow(folder, offsets, 0);
    appendFileSync(folder.path0, MORE);
    renameSync(folder.path0, closedPath(folder.path0, 1, MOMENT));
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

test("a scan finds the same in pieces of any size", () => {
  using folder = new LogFolder();
  const text = Array.from({ length: 300 }, (_, i) => lineOf(i % 3, i, JSON.stringify("x".repeat((i * 37) % 400)))).join(
    "",
  );
  folder.write(`${text}{"partition":0,"offset":999`);
  for (const pieceBytes of [1, 7, 64, 100, 4096, 1_000_000]) {
    const scan = scanLog(folder.path0, 0, pieceBytes);
    expect(Object.fromEntries(scan.offsets)).toEqual({ 0: 297, 1: 298, 2: 299 });
    expect(scan).toMatchObject({ lines: 300, foreignLines: 0, validBytes: text.length, fileBytes: text.length + 27 });
  }
});
