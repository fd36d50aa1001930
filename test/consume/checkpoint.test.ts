/** The checkpoint as a file. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { checkpointPath, readCheckpoint, writeCheckpoint } from "../../src/consume/checkpoint.ts";
import { identity } from "./log-folder.ts";
import { TestFolder } from "./support.ts";

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
