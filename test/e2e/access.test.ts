/** Who may send, and how much: keys, quotas, CORS and TLS, with real processes. The Kafka behind is the embedded one: it is not what is tested. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { KafkaFixture } from "../support/mock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-access-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(killLeftovers);

const PASSED = 202;
const sha256 = (key: string) => new Bun.CryptoHasher("sha256").update(key).digest("hex");

const kafka = new KafkaFixture();
for (const topic of ["events", "other"]) kafka.mock.createTopic(topic, 1);
afterAll(() => kafka.close());

async function serve(...args: readonly string[]): Promise<{ process: CommandProcess; url: string }> {
  const process = new CommandProcess("serve", {
    args: ["--kafka-brokers", kafka.mock.bootstrap, "--topics", "other", "--port", "0", ...args],
  });
  const url = await urlOf(process);
  await process.logged(/Kafka is reachable/);
  return { process, url };
}

function post(
  url: string,
  headers: Record<string, string> = {},
  more: { path?: string; body?: string | ReadableStream } = {},
) {
  const { path = "/register_event", body = "{}" } = more;
  return fetch(url + path, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

function writeKeys(keys: readonly object[] | string): string {
  const path = join(folder, "keys.json");
  const temporary = join(folder, "keys.tmp");
  writeFileSync(temporary, typeof keys === "string" ? keys : JSON.stringify({ keys }));
  renameSync(temporary, path);
  return path;
}

describe("API keys", () => {
  test("let in who has one, and nobody else; the file is followed; no key reaches the log", async () => {
    const keys = [{ name: "web", sha256: sha256("secret-1"), topics: ["events"] }];
    const path = writeKeys(keys);
    const { process, url } = await serve("--api-keys", path);
    for (const headers of [{}, bearer("wrong"), { "x-api-key": "" }, { authorization: "Basic c2VjcmV0LTE=" }]) {
      const refused = await post(url, headers);
      expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(await refused.json()).toMatchObject({ code: "unauthorized", retry: false });
    }
    expect((await post(url, bearer("secret-1"))).status).toBe(PASSED);
    expect((await post(url, { "x-api-key": "secret-1" })).status).toBe(PASSED);
    const forbidden = await post(url, bearer("secret-1"), { path: "/topics/other/events", body: "[{}]" });
    expect(forbidden.status).toBe(403);
    expect(await forbidden.json()).toMatchObject({ code: "forbidden_topic" });
    for (const open of ["/limits", "/openapi.json"]) expect((await fetch(url + open)).status).toBe(200);

    writeKeys("{");
    await process.logged(/the API keys stay as they are/);
    expect((await post(url, bearer("secret-1"))).status).toBe(PASSED);
    writeKeys([{ name: "app", sha256: sha256("secret-2") }]);
    await process.logged(/took the new API keys/);
    expect((await post(url, bearer("secret-1"))).status).toBe(401);
    expect((await post(url, bearer("secret-2"), { path: "/topics/other/events", body: "[{}]" })).status).toBe(PASSED);
    process.signal("SIGTERM");
    expect(await process.ended()).toBe(0);
    expect(process.stderr).not.toContain("secret-");
  }, 30_000);

  test("have quotas: requests and bytes", async () => {
    const path = writeKeys([
      { name: "requests", sha256: sha256("r"), requests_per_s: 0.01 },
      { name: "bytes", sha256: sha256("b"), bytes_per_s: 10 },
    ]);
    const { url } = await serve("--api-keys", path);
    const first = await post(url, bearer("r"));
    expect([first.status, first.headers.get("ratelimit-remaining")]).toEqual([PASSED, "0"]);
    const second = await post(url, bearer("r"));
    expect(second.status).toBe(429);
    expect(await second.json()).toMatchObject({
      code: "quota_exceeded",
      retry: true,
      limit: { name: "requests_per_s" },
    });
    expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(50);
    for (const header of ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"])
      expect(second.headers.get(header)).toMatch(/^\d+$/);
    // Larger than the bucket: it passes, and is paid off.
    const chunked = new Response(`{"a":"${"x".repeat(1000)}"}`).body!;
    expect((await post(url, bearer("b"), { body: chunked })).status).toBe(PASSED);
    const owed = await post(url, bearer("b"));
    expect(owed.status).toBe(429);
    expect(await owed.json()).toMatchObject({ limit: { name: "bytes_per_s" } });
  }, 30_000);

  // biome-ignore format: a table
  test.each([
    ["{", "is not JSON at line 1, column 2"], ['{"keys":[{"name":"a","sha256":"secret"}]}', "/keys/0/sha256"], ['{"keys":[{"name":"a","sha256":"' + "0".repeat(64) + '","quota":1}]}', "/keys/0/quota"], ['{"keys":{}}', "/keys"],
  ])("a file that will not do ends serve with exit 2: %s", async (text, place) => {
    const process = new CommandProcess("serve", { args: ["--port", "0", "--api-keys", writeKeys(text)] });
    expect(await process.ended()).toBe(2);
    expect(process.stderr).toContain(place);
    expect(process.stderr).not.toContain("secret");
  });
});

test("an open server says so, and does not leave its machine unless it is told to", async () => {
  const refused = new CommandProcess("serve", { args: ["--port", "0", "--host", "0.0.0.0"] });
  expect(await refused.ended()).toBe(2);
  expect(refused.stderr).toContain("--open");
  const { process } = await serve("--host", "0.0.0.0", "--open");
  await process.logged(/whoever reaches the address may send events/);
  const half = new CommandProcess("serve", { args: ["--port", "0", "--tls-cert", "x"] });
  expect(await half.ended()).toBe(2);
  expect(half.stderr).toContain("--tls-cert needs --tls-key");
}, 30_000);

test("CORS: preflights and answers name the origin, errors included; without the option there is nothing", async () => {
  const origin = "https://shop.example";
  const { url } = await serve("--cors-origins", `${origin},http://localhost:3000`);
  const asks = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,ce-id",
  };
  const preflight = await fetch(`${url}/register_event`, { method: "OPTIONS", headers: asks });
  expect(preflight.status).toBe(204);
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    "access-control-allow-origin": origin,
    "access-control-allow-headers": "content-type,ce-id",
    "access-control-allow-methods": expect.stringContaining("POST"),
    "access-control-max-age": expect.any(String),
    vary: "Origin",
  });
  for (const response of [await post(url, { origin }), await fetch(`${url}/nowhere`, { headers: { origin } })])
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
  const stranger = await post(url, { origin: "https://evil.example" });
  expect([stranger.headers.get("access-control-allow-origin"), stranger.headers.get("vary")]).toEqual([null, "Origin"]);
  const { url: closed } = await serve();
  expect((await post(closed, { origin })).headers.get("access-control-allow-origin")).toBeNull();
  expect((await fetch(`${closed}/register_event`, { method: "OPTIONS", headers: asks })).status).toBe(405);
}, 40_000);

test.each([1, 2])(
  "TLS by %d processes, and a new certificate on SIGHUP; a broken one leaves the old",
  async (count) => {
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    await makeCertificate(cert, key);
    const first = await Bun.file(cert).text();
    const tls = ["--tls-cert", cert, "--tls-key", key];
    const process = new CommandProcess("serve", { args: ["--port", "0", "--processes", String(count), ...tls] });
    const byAll = (sentence: string) => process.logged(new RegExp(`(${sentence}[^]*){${count}}`));
    const url = await urlOf(process);
    const get = (ca: string) => fetch(`${url}/limits`, { tls: { ca }, keepalive: false }).then(({ status }) => status);
    expect(url).toStartWith("https://");
    expect(await get(first)).toBe(200);
    await makeCertificate(cert, key);
    process.signal("SIGHUP");
    await byAll("took the new certificate");
    expect(await get(await Bun.file(cert).text())).toBe(200);
    expect(await get(first).catch(() => "refused")).toBe("refused");
    writeFileSync(cert, "nonsense");
    process.signal("SIGHUP");
    await byAll("the certificate stays as it is");
    process.signal("SIGTERM");
    expect(await process.ended()).toBe(0);
  },
  40_000,
);

/** A new key, and a certificate for this machine signed with it. */
async function makeCertificate(cert: string, key: string): Promise<void> {
  const child = Bun.spawn(
    [
      ...[
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
      ],
      ...["-subj", "/CN=sluice", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
    ],
    { stdout: "ignore", stderr: "pipe" },
  );
  if ((await child.exited) !== 0) throw new Error(`openssl could not make a certificate: ${await child.stderr.text()}`);
}
