/** What a start makes of the log and the checkpoint that the last one left. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { checkpointPath, readCheckpoint } from "../../src/consume/checkpoint.ts";
import { LogFileError } from "../../src/consume/log-file.ts";
import { identity, LogFolder } from "./log-folder.ts";
import { lineOf } from "./support.ts";

const TWO = lineOf(0, 1) + lineOf(1, 7);

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
