/** When what died is replaced. */
import { describe, expect, test } from "bun:test";
import { RESTART_LIMITS, Restarts } from "../src/restarts.ts";

describe("Restarts", () => {
  const { firstDelayMs, longestDelayMs, healthyMs, deathsMax, windowMs } = RESTART_LIMITS;

  test("delays double up to the longest", () => {
    const restarts = new Restarts({ ...RESTART_LIMITS, deathsMax: 100 });
    const delays = Array.from({ length: 9 }, (_, i) => restarts.onDeath(i, i + 1));
    expect(delays).toEqual([200, 400, 800, 1600, 3200, 6400, longestDelayMs, longestDelayMs, longestDelayMs]);
  });

  test("after a healthy life the delay is the first again", () => {
    const restarts = new Restarts();
    for (let i = 0; i < 4; i++) restarts.onDeath(0, 1);
    expect(restarts.onDeath(1, 1 + healthyMs)).toBe(firstDelayMs);
    expect(restarts.onDeath(100_000, 100_000 + healthyMs - 1)).toBe(2 * firstDelayMs);
  });

  test("too many deaths within the window are the end, the same number over a longer time is not", () => {
    const quick = new Restarts();
    for (let i = 0; i < deathsMax; i++) expect(quick.onDeath(i, i)).toBeNumber();
    expect(quick.onDeath(20, 20)).toBeUndefined();
    const slow = new Restarts();
    for (let i = 0; i < 10 * deathsMax; i++) expect(slow.onDeath(0, (i * windowMs) / (deathsMax - 1))).toBeNumber();
  });
});
