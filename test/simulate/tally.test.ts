/** The counts and the percentiles' arithmetic. */
import { expect, test } from "bun:test";
import { acked, refused, unknown } from "../../src/simulate/outcome.ts";
import { Durations, Tally } from "../../src/simulate/tally.ts";

test("percentiles of a known set are exact where three digits suffice", () => {
  const durations = new Durations();
  // 1 to 1,000 µs, in an order that is not sorted.
  for (let i = 0; i < 1_000; i++) durations.record((((i * 377) % 1_000) + 1) / 1_000);
  expect(durations.percentilesUs()).toEqual({ p50: 500, p90: 900, p99: 990, max: 1_000 });
});

test("larger values are kept to three significant digits, up to an hour", () => {
  const durations = new Durations();
  for (let ms = 1; ms <= 1_000; ms++) durations.record(ms);
  const { p50, p99, max } = durations.percentilesUs()!;
  expect(Math.abs(p50 / 500_000 - 1)).toBeLessThan(0.001);
  expect(Math.abs(p99 / 990_000 - 1)).toBeLessThan(0.001);
  expect(Math.abs(max / 1_000_000 - 1)).toBeLessThan(0.001);
  durations.record(3 * 3_600_000);
  expect(Math.abs(durations.percentilesUs()!.max / 3_600_000_000 - 1)).toBeLessThan(0.001);
});

test("nothing recorded has no percentiles", () => {
  expect(new Durations().percentilesUs()).toBeNull();
});

test("outcomes are counted by kind and reason, and only acks have a latency", () => {
  const tally = new Tally();
  tally.recordOutcome(acked, 2);
  tally.recordOutcome(refused("kafka_unreachable"), 1_000);
  tally.recordOutcome(refused("kafka_unreachable"), 1_000);
  tally.recordOutcome(unknown("timeout"), 30_000);
  expect([tally.acked, tally.refused, tally.unknown]).toEqual([1, 2, 1]);
  expect([...tally.refusedByReason]).toEqual([["kafka_unreachable", 2]]);
  expect([...tally.unknownByReason]).toEqual([["timeout", 1]]);
  expect(tally.latency.percentilesUs()).toEqual({ p50: 2_000, p90: 2_000, p99: 2_000, max: 2_000 });
});
