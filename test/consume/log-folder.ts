/** A log file with its checkpoint in a folder of their own, as a test wants them, and recovered. */
import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { readCheckpoint, type TopicIdentity, writeCheckpoint } from "../../src/consume/checkpoint.ts";
import { recover } from "../../src/consume/recovery.ts";
import { keptLog, TestFolder } from "./support.ts";

export const identity: TopicIdentity = { clusterId: "c1", topic: "events", topicId: "t1" };

export class LogFolder extends TestFolder {
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
