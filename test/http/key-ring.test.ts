/** A key's quotas, where several processes have their parts of them. */
import { expect, test } from "bun:test";
import { Grant, KeyRing } from "../../src/http/gate/index.ts";

const sha256 = new Bun.CryptoHasher("sha256").update("secret").digest("hex");
const entry = { name: "web", sha256, requests_per_s: 10, bytes_per_s: 1000 };

test("each process grants its part, and says so", () => {
  const key = new KeyRing([entry], 4).find("secret")!;
  expect([key.requests!.perSecond, key.bytes!.perSecond]).toEqual([2.5, 250]);
  const grant = new Grant(key, () => {});
  const refusal = Array.from({ length: 3 }, () => grant.takeRequest()).at(-1)!;
  expect(JSON.parse(refusal.body)).toMatchObject({
    code: "quota_exceeded",
    detail: 'the key "web" may send 2.5 requests a second through each of 4 processes',
    limit: { name: "requests_per_s", max: 2.5 },
  });
});

test("the file written anew with the same quotas fills no bucket", () => {
  const ring = new KeyRing([entry], 4);
  const before = ring.find("secret")!.requests;
  ring.replace([entry]);
  expect(ring.find("secret")!.requests).toBe(before!);
  ring.replace([{ ...entry, requests_per_s: 20 }]);
  expect(ring.find("secret")!.requests!.perSecond).toBe(5);
});
