import { expect, test } from "bun:test";
import { REASONS } from "../../src/outcome.ts";
import { makeHttp } from "./support.ts";

async function limitsOf(...args: string[]): Promise<Record<string, number>> {
  const { app, ingest } = makeHttp(args);
  const response = await app.handle(new Request("http://localhost/limits"));
  ingest.stop();
  return (await response.json()) as Record<string, number>;
}

test("GET /limits names every limit that a refusal's words may name", async () => {
  const limits = await limitsOf("--spool", "/somewhere", "--spool-max-bytes", "123456");
  const named = Object.values(REASONS).flatMap(
    ({ example }) => example.match(/\b[a-z]+(?:_[a-z]+)+(?= is \d| \(\d)/g) ?? [],
  );
  expect(new Set(named).size).toBeGreaterThan(4);
  expect(named.filter((name) => limits[name] === undefined)).toEqual([]);
  expect(limits.spool_max_bytes).toBe(123_456);
});

test("without a spool there is no limit on it", async () => {
  expect(await limitsOf()).not.toHaveProperty("spool_max_bytes");
});
