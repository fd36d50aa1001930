import { expect, test } from "bun:test";
import { join } from "node:path";
import { Mutator } from "../../scripts/fuzz/mutator.ts";

test("2,000 mutated requests: no crash, no answer that is not documented", async () => {
  const fuzz = Bun.spawn([process.execPath, join(import.meta.dir, "../../scripts/fuzz.ts"), "2000", "--seed", "1"], {
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "10000" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, faults, said] = await Promise.all([fuzz.exited, fuzz.stderr.text(), fuzz.stdout.text()]);
  expect([code, faults]).toEqual([0, ""]);
  expect(said).toContain("fuzz: PASSED");
}, 60_000);

test("the same seed makes the same requests", () => {
  const some = (seed: number) => {
    const mutator = new Mutator(seed);
    return Array.from({ length: 200 }, () => mutator.next());
  };
  expect(some(5)).toEqual(some(5));
  expect(some(5)).not.toEqual(some(6));
});
