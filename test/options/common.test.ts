/** The rules for brokers and topics, and that the tables of all commands agree with each other. */
import { describe, expect, test } from "bun:test";
import { COMMAND_OPTIONS } from "../../scripts/docs/generated.ts";
import { brokersProblem, topicProblem } from "../../src/options/common.ts";
import { environmentName, parseOptions } from "../../src/options/core.ts";

describe("brokers", () => {
  test.each([
    "127.0.0.1:9092",
    "localhost:1",
    "kafka-1.example:65535",
    "a:9092,b:9094",
    "a:9092, b:9094",
    "[::1]:9092",
    "[fe80::1]:9092,b:1",
  ])("%s is taken", (list) => expect(brokersProblem(list)).toBeUndefined());

  test.each([
    "",
    "localhost",
    "localhost:",
    ":9092",
    "a:0",
    "a:65536",
    "a:123456",
    "a:9092,",
    "a:9092,,b:9092",
    "a b:9092",
    "::1:9092",
    "a:9092/x",
    "http://a:9092",
  ])("%j is refused", (list) => expect(brokersProblem(list)).toBeString());
});

describe("topics", () => {
  test.each(["events", "a", "A.b_c-9", "...", "x".repeat(249)])("%s is taken", (name) =>
    expect(topicProblem(name)).toBeUndefined(),
  );

  test.each(["", ".", "..", "a b", "a/b", "ä", "a\n", "x".repeat(250)])("%j is refused", (name) =>
    expect(topicProblem(name)).toBeString(),
  );
});

describe("the tables of the commands", () => {
  const entries = Object.entries(COMMAND_OPTIONS);

  test("no command has a flag twice", () => {
    for (const [, table] of entries) {
      const flags = Object.values(table).map(({ flag }) => flag);
      expect(new Set(flags).size).toBe(flags.length);
    }
  });

  test("every flag is lower case with hyphens, and every option says what it is", () => {
    for (const [, table] of entries) {
      for (const option of Object.values(table)) {
        expect(option.flag).toMatch(/^[a-z]+(-[a-z]+)*$/);
        expect(option.help.length).toBeGreaterThan(5);
        expect(option.defaultText).not.toBe("");
      }
    }
  });

  test("every default is one that the option itself would take", () => {
    for (const [, table] of entries) {
      for (const { flag, defaultValue, read } of Object.values(table)) {
        if (defaultValue === undefined) continue;
        expect([flag, read(String(defaultValue))]).toEqual([flag, defaultValue]);
      }
    }
  });

  test("an empty environment gives the documented defaults", () => {
    const values = (command: string): Readonly<Record<string, unknown>> =>
      parseOptions(COMMAND_OPTIONS[command]!, [], {});
    expect(values("serve")).toMatchObject({
      kafkaBrokers: "127.0.0.1:9092",
      kafkaTopic: "events",
      kafkaPartitions: 4,
      host: "127.0.0.1",
      port: 8000,
      deliveryTimeoutMs: 10_000,
      maxEventBytes: 1_000_000,
      logLevel: "info",
    });
    expect(values("consume")).toMatchObject({ kafkaGroup: "sluice", from: "earliest", logFile: "consumer.log" });
    expect(values("simulate")).toMatchObject({ events: 10_000, concurrency: 64, rate: 0, json: false });
  });

  test("the same flag has the same variable and asks for the same kind of value everywhere", () => {
    const seen = new Map<string, string | undefined>();
    for (const [, table] of entries) {
      for (const { flag, placeholder } of Object.values(table)) {
        if (seen.has(environmentName(flag)))
          expect([flag, placeholder]).toEqual([flag, seen.get(environmentName(flag))]);
        seen.set(environmentName(flag), placeholder);
      }
    }
  });
});
