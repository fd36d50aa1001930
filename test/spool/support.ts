/** A spool in a folder of the test's own, before a Kafka that takes what the test says. */
import { afterEach, beforeEach } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spool, type SpooledRecord, type SpoolOutcome } from "../../src/spool/index.ts";
import { keptLog } from "../consume/support.ts";

export const encoder = new TextEncoder();
export const decoder = new TextDecoder();
export const ACKED: SpoolOutcome = { status: "acked" };
export const NOT_DELIVERED: SpoolOutcome = { status: "refused", code: "not_delivered", detail: "no" };
export const NEVER: SpoolOutcome = { status: "refused", code: "rejected_by_kafka", detail: "never" };

/** A new folder for each test; gone behind it. */
export function newFolders(): { readonly path: string } {
  const folder = { path: "" };
  beforeEach(() => {
    folder.path = mkdtempSync(join(tmpdir(), "sluice-spool-"));
  });
  afterEach(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}

/** A Kafka that takes what `answer` says, and keeps it. */
export class FakeKafka {
  isThere = true;
  answer: (record: SpooledRecord) => SpoolOutcome = () => ACKED;
  readonly taken: string[] = [];
  readonly chunks: number[] = [];
  readonly marked: string[] = [];

  publish = (records: readonly SpooledRecord[], settle: (record: SpooledRecord, outcome: SpoolOutcome) => void) => {
    this.chunks.push(records.length);
    setImmediate(() => {
      for (const record of records) {
        const text = decoder.decode(record.value!);
        const outcome = this.answer(record);
        if (outcome.status === "acked") this.taken.push(text);
        if (record.headers.some(([name]) => name === "possible_duplicate")) this.marked.push(text);
        settle(record, outcome);
      }
    });
  };
}

/** Time between tries that does not pass. */
export const impatient = {
  nowMs: () => performance.now(),
  after(_ms: number, action: () => void) {
    const timer = setTimeout(action, 1);
    return () => clearTimeout(timer);
  },
};

export function openIn(folder: { readonly path: string }, kafka: FakeKafka, maxBytes = 1e9) {
  const { log, lines } = keptLog();
  const drain = { publish: kafka.publish, isKafkaThere: () => kafka.isThere, pressure: () => 0, log, clock: impatient };
  return Spool.open({ folder: folder.path, maxBytes, log, drain }).then((spool) =>
    Object.assign(spool, { logged: lines }),
  );
}

export function put(spool: Spool, text: string, key: string | null = null) {
  const value = encoder.encode(text);
  const { promise, resolve } = Promise.withResolvers<string>();
  const event = { topic: "t", key, value, headers: [], timestampMs: undefined, bytes: value.length };
  spool.put(event, (problem) => resolve(problem?.code ?? "stored"));
  return promise;
}

export const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));
