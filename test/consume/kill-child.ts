/**
 * A process that does to a log all that consume does, without Kafka: recovers, writes, closes, compresses, keeps its checkpoint, and
 * "commits" to a file of its own, later than it writes. Killed by the test.
 */
import { renameSync, writeFileSync } from "node:fs";
import pino from "pino";
import { type Checkpoint, writeCheckpoint } from "../../src/consume/checkpoint.ts";
import type { Compression } from "../../src/consume/closed-files.ts";
import { Closer } from "../../src/consume/closer.ts";
import { LiveLog } from "../../src/consume/live-log.ts";
import { recover } from "../../src/consume/recovery.ts";
import { Writer } from "../../src/consume/writer.ts";
import { IDENTITY, type KillSettings } from "./kill-settings.ts";
import { linesOf } from "./support.ts";

const { logFile, committedFile, committed, isSynced, compression } = JSON.parse(process.argv[2]!) as KillSettings;
const log = pino({ level: "error" }, pino.destination({ dest: 2, sync: true }));
const found = recover(logFile, IDENTITY, log);
const closer = new Closer(
  { logFile, identity: IDENTITY, compression: compression as Compression, keep: undefined, isSynced },
  log,
);
const live = new LiveLog({
  path: logFile,
  rotation: { maxBytes: 4000, intervalMs: undefined },
  isSynced,
  sequence: found.sequence,
  log,
  onBegun(closed) {
    save();
    if (closed !== undefined) closer.start();
  },
});
const writer = new Writer({ file: live, offsets: found.offsets, sync: isSynced ? 5 : "off", log });

function save(): void {
  const state: Checkpoint = {
    identity: IDENTITY,
    offsets: new Map(writer.offsets),
    validBytes: live.lengthBytes,
    file: live.id,
    sequence: live.sequence,
  };
  writeCheckpoint(logFile, state);
}
setInterval(save, 3);

const next = [...committed];
function commit(partition: number, offset: number): void {
  committed[partition] = Math.max(committed[partition]!, offset);
  writeFileSync(`${committedFile}.new`, JSON.stringify(committed));
  renameSync(`${committedFile}.new`, committedFile);
}

function push(): void {
  const partition = Math.floor(Math.random() * next.length);
  const count = 1 + Math.floor(Math.random() * 40);
  const first = next[partition]!;
  next[partition] = first + count;
  const lines = linesOf(...Array.from({ length: count }, (_, i) => [partition, first + i] as const));
  writer.push(lines, () => {
    if (Math.random() < 0.3) commit(partition, first + count);
    setTimeout(push, 1);
  });
}
for (let i = 0; i < 3; i++) push();
process.stdout.write("up\n");
