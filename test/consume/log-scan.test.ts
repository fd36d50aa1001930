/** Reading a log for what it holds. */
import { expect, test } from "bun:test";
import { scanLog } from "../../src/consume/log-scan.ts";
import { LogFolder } from "./log-folder.ts";
import { lineOf } from "./support.ts";

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
