/** `--kafka-config`: what is read, which client gets what, what is refused, and that no secret gets out with the refusal. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { adminConfig, ownership } from "../../src/kafka/config.ts";
import {
  Admin,
  ConfigurationError,
  checkProperties,
  consumerConfig,
  library,
  Producer,
  producerConfig,
  readProperties,
} from "../../src/kafka/index.ts";
import { isSecret, secretHider } from "../../src/kafka/native/secrets.ts";
import { CONSUMER_ONLY, PRODUCER_ONLY } from "../../src/kafka/properties.ts";
import { joinGroup, settings } from "../support/mock.ts";

const LIBRDKAFKA = join(
  dirname(Bun.resolveSync("@confluentinc/kafka-javascript/package.json", import.meta.dir)),
  "deps/librdkafka",
);
const SECRET = "s3cret-Pa55word";
const NOWHERE = "127.0.0.1:1";

/** librdkafka's own table: the property, P, C or *, and what it says. */
const documented = (await Bun.file(join(LIBRDKAFKA, "CONFIGURATION.md")).text())
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => cells.length > 5 && /^[CP*]$/.test(cells[1]!))
  .map((cells) => ({ name: cells[0]!, scope: cells[1]!, says: cells.at(-1)! }));

const folder = mkdtempSync(join(tmpdir(), "sluice-properties-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(mkdtempSync(join(folder, "given-")), "client.properties");
  writeFileSync(path, text);
  return path;
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (cause) {
    expect(cause).toBeInstanceOf(ConfigurationError);
    return (cause as Error).message;
  }
  throw new Error("nothing was refused");
}

describe("reading", () => {
  test("a file's lines, without comments, blank lines and the space around", () => {
    const path = file("\uFEFF# ours\r\n\r\n  sasl.username = a=b \r\n\t#x=y\nsasl.password=#1, 2\ndebug=");
    expect(readProperties([path])).toEqual({ "sasl.username": "a=b", "sasl.password": "#1, 2", debug: "" });
  });

  test("files and pairs together; the last one counts, and is set last", () => {
    const path = file("sasl.mechanism=PLAIN\nsasl.mechanisms=PLAIN\n");
    const properties = readProperties(["linger.ms=1", path, "sasl.mechanism=SCRAM-SHA-256", "linger.ms=2"]);
    expect(Object.entries(properties)).toEqual([
      ["sasl.mechanisms", "PLAIN"],
      ["sasl.mechanism", "SCRAM-SHA-256"],
      ["linger.ms", "2"],
    ]);
    expect(readProperties(["ssl.ca.pem=-----BEGIN\nx=\n"])).toEqual({ "ssl.ca.pem": "-----BEGIN\nx=" });
  });

  test("what cannot be read is named by where it stands, never by what it says", () => {
    expect(refusal(() => readProperties([`sasl.password:${SECRET}`]))).toBe(
      "the value is neither name=value nor a file that can be read (ENOENT)",
    );
    expect(refusal(() => readProperties(["a=b", SECRET]))).toContain("value 2 of 2");
    expect(refusal(() => readProperties([folder]))).toMatch(/EISDIR|ENOENT/);
    const broken = file(`a=b\nsasl.password ${SECRET}\n`);
    expect(refusal(() => readProperties([broken]))).toBe(`${broken}, line 2, is not name=value`);
    const nul = refusal(() => readProperties([file(`sasl.password=${SECRET}\0`)]));
    expect(nul).toContain("holds a NUL, in the value of sasl.password");
    expect(nul).not.toContain(SECRET);
  });
});

describe("which client gets what", () => {
  test("the lists are librdkafka's own", () => {
    expect(documented.length).toBeGreaterThan(150);
    const named = (scope: string) => new Set(documented.filter((each) => each.scope === scope).map(({ name }) => name));
    expect(PRODUCER_ONLY).toEqual(named("P"));
    expect(CONSUMER_ONLY).toEqual(named("C"));
  });

  const properties = { "compression.type": "lz4", "fetch.min.bytes": "7", "client.id": "mine", "linger.ms": "5" };

  test("each its own, over what is only tuning; owned properties stay", () => {
    const sneaky = { ...properties, acks: "0", "group.id": "theirs", "bootstrap.servers": "evil:1" };
    const producer: object = producerConfig(settings(NOWHERE, { properties: sneaky }));
    expect(producer).toMatchObject({ "compression.type": "lz4", "client.id": "mine", "linger.ms": "5", acks: -1 });
    expect(producer).not.toHaveProperty(["fetch.min.bytes"]);
    const consumer: object = consumerConfig({ brokers: NOWHERE, group: "g", from: "latest", properties: sneaky });
    expect(consumer).toMatchObject({ "fetch.min.bytes": "7", "client.id": "mine", "group.id": "g" });
    expect(consumer).not.toHaveProperty(["linger.ms"]);
    const admin: object = adminConfig({ brokers: NOWHERE, group: "g", properties: sneaky });
    expect(admin).toMatchObject({ "client.id": "mine", "bootstrap.servers": NOWHERE, "group.id": "g" });
    expect(Object.keys(admin)).not.toContainAnyValues(["linger.ms", "fetch.min.bytes", "acks"]);
  });

  test("no client warns of a property that is not its own", async () => {
    const lines: string[] = [];
    const log = (_level: string, message: string) => lines.push(message);
    const producer = new Producer({ config: producerConfig(settings(NOWHERE, { properties })), log });
    const admins = [undefined, "g"].map(
      (group) => new Admin({ brokers: NOWHERE, ...(group && { group }), properties, log }),
    );
    const config = consumerConfig({ brokers: NOWHERE, group: "g", from: "latest", properties });
    joinGroup(NOWHERE, "events", "g", { log }, config).close(0);
    await Promise.all([producer.close(0), ...admins.map((admin) => admin.close())]);
    expect(lines.filter((line) => /compression|fetch\.min|linger/.test(line))).toEqual([]);
  });
});

describe("what is refused", () => {
  const check = (properties: Record<string, string>) =>
    refusal(() =>
      checkProperties(properties, [
        { type: "producer", config: producerConfig(settings(NOWHERE, { properties })) },
        { type: "consumer", config: consumerConfig({ brokers: NOWHERE, group: "g", from: "latest", properties }) },
      ]),
    );

  test("what Sluice sets itself, with the option that does", () => {
    for (const [name, option] of [
      ["bootstrap.servers", "--kafka-brokers"],
      ["group.id", "--kafka-group"],
      ["auto.offset.reset", "--from"],
      ["message.timeout.ms", "--delivery-timeout-ms"],
      ["message.max.bytes", "--max-event-bytes"],
      ["queue.buffering.max.messages", "--max-pending-events"],
      ["queue.buffering.max.kbytes", "--max-pending-bytes"],
    ] as const)
      expect(check({ [name]: "1" })).toBe(`${name} is set by ${option}`);
    for (const name of [
      ...[
        "enable.idempotence",
        "acks",
        "request.required.acks",
        "partitioner",
        "allow.auto.create.topics",
        "log.queue",
      ],
      ...["enable.auto.commit", "enable.auto.offset.store", "partition.assignment.strategy", "transactional.id"],
      ...["dr_msg_cb", "rebalance_cb", "ut_handle_ProduceResponse", "test.mock.num.brokers"],
    ])
      expect(check({ [name]: "1" })).toBe(`${name} is set by Sluice alone: its guarantees rest on it`);
  });

  test("another name of what Sluice sets itself", () => {
    const aliases = documented.flatMap(({ name, says }) => {
      const of = /Alias for `([\w.]+)`/.exec(says)?.[1];
      return of ? [{ name, of }] : [];
    });
    expect(aliases.length).toBeGreaterThan(10);
    for (const { name, of } of aliases) expect([name, !!ownership(name)]).toEqual([name, !!ownership(of)]);
  });

  test("what only C could be handed", () => {
    for (const { name } of documented.filter(({ says }) => /see dedicated API|\*Type: (?:see|pointer)/.test(says)))
      expect([name, !!ownership(name) || check({ [name]: "1" }).includes(name)]).toEqual([name, true]);
  });

  test("a name that librdkafka does not know, a value that it does not take, values that do not go together", () => {
    expect(check({ "sasl.pasword": SECRET })).toBe('No such configuration property: "sasl.pasword"');
    expect(check({ "socket.timeout.ms": "1" })).toContain('"socket.timeout.ms" value 1 is outside allowed range');
    expect(check({ "compression.type": "rar" })).toStartWith('compression.type: Invalid value "rar"');
    expect(check({ "max.in.flight": "100" })).toContain("max.in.flight");
    expect(check({ "security.protocol": "ssl", "ssl.ca.location": join(folder, "no-such.pem") })).toContain(
      "ssl.ca.location",
    );
  });

  test("what is not built in, with the package to install and not in librdkafka's own words", () => {
    // Few builds have it; with one that does, there is nothing to refuse.
    const properties = { "security.protocol": "sasl_ssl", "sasl.oauthbearer.method": "oidc" };
    const config = { ...properties, "sasl.mechanism": "OAUTHBEARER" };
    if (!library().info.features.has("oidc")) expect(check(config)).toContain("libcurl4-openssl-dev");
    else expect(check({ ...config, "no.such": "" })).toContain("no.such");
  });

  test("good ones are taken", () => {
    const properties = { "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": "u" };
    const config = producerConfig(settings(NOWHERE, { properties: { ...properties, "sasl.password": SECRET } }));
    checkProperties({ ...properties, "sasl.password": SECRET, "compression.type": "gzip" }, [
      { type: "producer", config },
    ]);
  });
});

describe("secrets", () => {
  test("whatever librdkafka itself calls sensitive is secret here; a path and a user's name are not", async () => {
    const source = await Bun.file(join(LIBRDKAFKA, "src/rdkafka_conf.c")).text();
    const theirs = [...source.matchAll(/_RK_SENSITIVE,\s*"([\w.]+)"/g)].map((match) => match[1]!);
    expect(theirs.length).toBeGreaterThan(8);
    const open = new Set([
      "ssl.key.location",
      "sasl.username",
      "ssl_key",
      "sasl.oauthbearer.assertion.private.key.file",
    ]);
    expect(theirs.filter((name) => !isSecret(name, "x") && !open.has(name))).toEqual([]);
    expect(isSecret("ssl.certificate.location", "-----BEGIN PRIVATE KEY-----")).toBe(true);
    expect(["sasl.username", "ssl.ca.location", "linger.ms"].filter((name) => isSecret(name, "x"))).toEqual([]);
  });

  test("none is in a refusal, whatever is wrong", () => {
    const pem = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`;
    for (const properties of [
      { "ssl.key.pem": pem, "security.protocol": "ssl" },
      { "ssl.key.pem": SECRET, "security.protocol": "ssl" },
      { "ssl.ca.pem": SECRET, "security.protocol": "ssl" },
      { "security.protocol": pem },
      { "ssl.key.password": SECRET, "ssl.key.location": "/no/such/key", "security.protocol": "ssl" },
      { "ssl.keystore.password": SECRET, "ssl.keystore.location": "/no/such/store", "security.protocol": "ssl" },
      { "sasl.jaas.config": `ScramLoginModule required password="${SECRET}";` },
      { "sasl.password.": SECRET },
    ] as readonly Record<string, string>[]) {
      const config = producerConfig(settings(NOWHERE, { properties }));
      expect(refusal(() => checkProperties(properties, [{ type: "producer", config }]))).not.toContain(SECRET);
    }
  });

  test("what librdkafka says is cleared of them, the longer one first", () => {
    const hide = secretHider({
      "sasl.password": "abcd",
      "ssl.key.password": "abcdef",
      "sasl.username": "user",
      debug: "all",
    });
    expect(hide("user: abcdef, abcd; all")).toBe("user: [hidden], [hidden]; all");
    expect(secretHider({ "sasl.password": "on" })("connection")).toBe("connection");
  });

  test("none is in what librdkafka logs of its configuration", async () => {
    const lines: string[] = [];
    const properties = {
      debug: "all",
      "security.protocol": "sasl_plaintext",
      "sasl.mechanism": "PLAIN",
      "sasl.username": "user",
      "sasl.password": SECRET,
      "ssl.key.password": `${SECRET}-2`,
    };
    const log = (_level: string, message: string) => lines.push(message);
    const admin = new Admin({ brokers: NOWHERE, properties, log });
    await admin.describeCluster(100).catch(() => {});
    await admin.close();
    expect(lines.some((line) => line.includes("sasl.username"))).toBe(true);
    expect(lines.filter((line) => line.includes(SECRET))).toEqual([]);
  });
});
