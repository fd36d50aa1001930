/** A log with its closed files, manifests and checkpoint in a folder of its own, written as consume would write them. */
import { statSync, writeFileSync } from "node:fs";
import { writeCheckpoint } from "../../src/consume/checkpoint.ts";
import { type Compression, closedPath } from "../../src/consume/closed-files.ts";
import { finishClosing } from "../../src/consume/closing.ts";
import { type Verdict, verify } from "../../src/verify/index.ts";
import { lineOf, TestFolder } from "../consume/support.ts";

export const IDENTITY = { clusterId: "c1", topic: "events", topicId: "t1" };

/** Lines of two partitions by turns, these offsets of each. */
export const lines = (from: number, to: number) =>
  Array.from(
    { length: to - from },
    (_, i) => lineOf(0, from + i, `"${"x".repeat(i % 50)}"`) + lineOf(1, from + i),
  ).join("");

export class TestLog {
  readonly folder = new TestFolder();
  readonly file = this.folder.file("consumer.log");

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }

  /** A closed file with its manifest; returns its path. */
  async close(
    sequence: number,
    text: string,
    compression: Compression | null = null,
    identity: typeof IDENTITY = IDENTITY,
  ): Promise<string> {
    const path = closedPath(this.file, sequence, Date.UTC(2026, 0, 1));
    writeFileSync(path, text);
    await finishClosing({ logFile: this.file, identity, compression, keep: undefined, isSynced: false });
    return path + (compression === "gzip" ? ".gz" : compression === "zstd" ? ".zst" : "");
  }

  checkpoint(offsets: readonly (readonly [number, number])[], validBytes = statSync(this.file).size): void {
    writeCheckpoint(this.file, { identity: IDENTITY, offsets: new Map(offsets), validBytes, sequence: 9 });
  }

  verify(over: { allowsGaps?: boolean; logFile?: string } = {}): Promise<Verdict> {
    return verify({ logFile: this.file, client: undefined, isComplete: false, allowsGaps: false, ...over });
  }

  /** Three closed files, whose paths it returns, and a live one, all as they should be. */
  async fill(): Promise<string[]> {
    const closed = [
      await this.close(1, lines(0, 100)),
      await this.close(2, lines(100, 200), "gzip"),
      await this.close(3, lines(200, 300), "zstd"),
    ];
    writeFileSync(this.file, lines(300, 400));
    this.checkpoint([
      [0, 399],
      [1, 399],
    ]);
    return closed;
  }
}
