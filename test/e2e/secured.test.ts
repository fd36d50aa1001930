/** serve and consume as real processes, on a Kafka that asks for a password, over TLS and without. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { TestFolder, until } from "../consume/support.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { type SecuredKafka, startSecuredKafka } from "../support/secured-cluster.ts";

let kafka: SecuredKafka;
beforeAll(async () => {
  kafka = await startSecuredKafka();
}, 120_000);
afterAll(() => kafka?.stop(), 60_000);
afterEach(killLeftovers);

const post = (url: string) =>
  fetch(`${url}/register_event`, { method: "POST", body: '{"n":1}', headers: { "content-type": "application/json" } });

test("over TLS, with the password in a file: an event goes through, and no log names the password", async () => {
  using folder = new TestFolder();
  const [config, logFile] = [folder.file("client.properties"), folder.file("consumer.log")];
  writeFileSync(
    config,
    [
      "# how to reach Kafka",
      "security.protocol=SASL_SSL",
      `ssl.ca.location=${kafka.caFile}`,
      "sasl.mechanism=SCRAM-SHA-256",
      `sasl.username=${kafka.user}`,
      `sasl.password=${kafka.password}`,
    ].join("\n"),
  );
  const topic = `test-${crypto.randomUUID()}`;
  const common = ["--kafka-brokers", kafka.overTls, "--kafka-topic", topic, "--kafka-config", config];
  // All that librdkafka has to say, with what it is configured with.
  const debug = ["--kafka-config", "debug=conf,security,broker", "--log-level", "debug"];
  const serve = new CommandProcess("serve", {
    args: [...common, ...debug, "--kafka-config", "compression.type=gzip", "--port", "0"],
  });
  const url = await urlOf(serve);
  await serve.logged(/created the topic/);
  const consume = new CommandProcess("consume", { args: [...common, ...debug, "--log-file", logFile] });
  await consume.logged(/partitions assigned/);

  const response = await post(url);
  const receipt = (await response.json()) as { id: string };
  expect([response.status, receipt]).toEqual([202, expect.objectContaining({ status: "acked", topic })]);
  await until("the line is written", () => existsSync(logFile) && readFileSync(logFile, "utf8").endsWith("\n"));
  expect(JSON.parse(readFileSync(logFile, "utf8"))).toMatchObject({ id: receipt.id, value: { n: 1 } });

  serve.signal("SIGTERM");
  consume.signal("SIGTERM");
  expect([await serve.ended(), await consume.ended()]).toEqual([0, 0]);
  // The lag comes from the group-offsets client: it came in as well.
  expect(consume.stderr).toMatch(/"lag_total":0.*"msg":"finished"/);
  for (const { stderr } of [serve, consume]) {
    expect(stderr).toContain("sasl.username");
    expect(stderr).not.toContain(kafka.password);
    expect(stderr).not.toContain("CONFWARN");
  }
}, 90_000);

test("with a wrong password serve starts, says so without it, and answers 503", async () => {
  const wrong = `wrong-${crypto.randomUUID()}`;
  const serve = new CommandProcess("serve", {
    args: ["--kafka-brokers", kafka.withoutTls, "--port", "0", "--delivery-timeout-ms", "3000"],
    environment: {
      KAFKA_CONFIG: [
        "security.protocol=SASL_PLAINTEXT",
        "sasl.mechanism=SCRAM-SHA-256",
        `sasl.username=${kafka.user}`,
        `sasl.password=${wrong}`,
      ].join("\n"),
    },
  });
  const url = await urlOf(serve);
  await serve.logged(/"level":"(?:warn|error)".*ERR__AUTHENTICATION/);
  const response = await post(url);
  expect(response.status).toBe(503);
  expect(await response.text()).not.toContain(wrong);
  serve.signal("SIGTERM");
  expect(await serve.ended()).toBe(0);
  expect(serve.stderr).not.toContain(wrong);
}, 60_000);
