/** The budget, and what memory does to it. */
import { expect, test } from "bun:test";
import { Admission } from "../../src/ingest/admission.ts";

const LIMITS = { maxPendingEvents: 100, maxPendingBytes: 1000, maxMemoryMb: 200 };

function make() {
  const memory = { bytes: 0 };
  const admission = new Admission(LIMITS, () => memory.bytes);
  const admitted = (count: number, bytes = 1) =>
    Array.from({ length: count }, () => admission.admit(bytes)).filter((refusal) => refusal === undefined).length;
  return { memory, admission, admitted };
}

test("events and bytes each have their limit, and what ends makes room", () => {
  const { admission, admitted } = make();
  expect(admitted(150)).toBe(100);
  expect(admission.whyFull?.detail).toBe("100 events wait for Kafka; max_pending_events is 100");
  for (let i = 0; i < 100; i++) admission.release(1);
  expect(admission.whyFull).toBeUndefined();
  expect(admitted(5, 300)).toBe(3);
  // There is room for a smaller one: whoever knows no size yet is let in.
  expect(admission.whyFull).toBeUndefined();
  expect(admitted(1, 100)).toBe(1);
  expect(admission.whyFull?.detail).toBe("1000 bytes wait for Kafka; max_pending_bytes is 1000");
});

test("near the memory limit a tenth must do, and it says so; with memory the rest comes back", () => {
  const { memory, admission, admitted } = make();
  memory.bytes = 179_000_000;
  admission.tick(0);
  expect(admission.hasRoomFor(100, 1000)).toBeTrue();
  memory.bytes = 181_000_000;
  admission.tick(250);
  expect(admission.hasRoomFor(1, 1)).toBeFalse();
  expect(admitted(50)).toBe(10);
  expect(admission.whyFull).toMatchObject({
    code: "overloaded",
    detail: "the process uses 181 MB; max_memory_mb is 200",
  });
  memory.bytes = 100_000_000;
  admission.tick(500);
  expect(admission.whyFull).toBeUndefined();
  expect(admitted(150)).toBe(90);
});

test("bodies have as many bytes of their own; one alone is always read; past half of it they crowd", () => {
  const { memory, admission } = make();
  expect(admission.admitBody(500)).toBeUndefined();
  expect(admission.isCrowdedByBodies).toBeFalse();
  expect(admission.admitBody(500)).toBeUndefined();
  expect(admission.isCrowdedByBodies).toBeTrue();
  expect(admission.admitBody(1)?.code).toBe("overloaded");
  admission.releaseBody(1000);
  expect(admission.admitBody(5000)).toBeUndefined();
  admission.releaseBody(5000);
  memory.bytes = 500_000_000;
  admission.tick(0);
  expect(admission.admitBody(60)).toBeUndefined();
  expect(admission.isCrowdedByBodies).toBeTrue();
  expect(admission.admitBody(60)?.detail).toContain("max_memory_mb");
});
