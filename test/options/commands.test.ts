/** The commands as real processes: a wrong option ends each with exit 2 and a sentence that names it, `--help` with exit 0. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { COMMAND_OPTIONS } from "../../scripts/docs/generated.ts";
import { environmentName } from "../../src/options/core.ts";

const root = join(import.meta.dir, "../..");
const COMMANDS = ["serve", "consume", "simulate", "demo"] as const;

/** Nothing of the tester's own settings. */
const CLEAN = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !Object.values(COMMAND_OPTIONS).some((table) =>
        Object.values(table).some(({ flag }) => environmentName(flag) === name),
      ),
  ),
);

async function run(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawn([process.execPath, join(root, `src/${command}.ts`), ...args], {
    env: { ...CLEAN, ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, exitCode };
}

describe.each(COMMANDS)("%s", (command) => {
  test("an unknown flag: exit 2, named", async () => {
    const { stdout, stderr, exitCode } = await run(command, ["--no-such-flag", "1"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toStartWith(`${command}: `);
    expect(stderr).toContain("--no-such-flag");
    expect(stderr).toContain(`bun run ${command} --help`);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  }, 30_000);

  test("a wrong value in the environment: exit 2, the variable named", async () => {
    const { stdout, stderr, exitCode } = await run(command, [], { LOG_LEVEL: "loud" });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toStartWith(`${command}: LOG_LEVEL must be one of fatal, `);
    expect(stderr).toContain('not "loud"');
  }, 30_000);

  test("--help: exit 0, every option on standard output, whatever else is wrong", async () => {
    const { stdout, stderr, exitCode } = await run(command, ["--no-such-flag", "--help"], { LOG_LEVEL: "loud" });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toStartWith(`bun run ${command} [options]\n`);
    for (const { flag } of Object.values(COMMAND_OPTIONS[command]!)) expect(stdout).toContain(`--${flag}`);
  }, 30_000);
});

test("serve: a port out of range and a topic that Kafka would refuse end it before it listens", async () => {
  expect(await run("serve", ["--port", "65536"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("--port must be a whole number from 0 to 65535"),
  });
  expect(await run("serve", [], { KAFKA_TOPIC: "a b" })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("KAFKA_TOPIC must be 1 to 249"),
  });
}, 30_000);

test("demo: more events than the embedded broker can hold are refused", async () => {
  const { exitCode, stderr } = await run("demo", ["--events", "1000000"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("--events must be at most");
}, 30_000);

describe.each(["serve", "consume", "demo"])("%s --kafka-config", (command) => {
  const SECRET = "s3cret-Pa55word";

  test.each([
    ["a name that librdkafka does not know", ["--kafka-config", `sasl.pasword=${SECRET}`], '"sasl.pasword"'],
    ["a value that it does not take", ["--kafka-config", "socket.timeout.ms=1"], "socket.timeout.ms"],
    ["what an option sets", ["--kafka-config", "bootstrap.servers=a:1"], "bootstrap.servers is set by --kafka-brokers"],
    ["what Sluice sets", ["--kafka-config", "enable.idempotence=false"], "enable.idempotence is set by Sluice alone"],
    ["what is no pair and no file", ["--kafka-config", `sasl.password:${SECRET}`], "neither name=value nor a file"],
    ["an argument that went astray", ["--kafka-config", "debug=all", `sasl.password=${SECRET}`], "sasl.password="],
  ])(
    "%s: exit 2, named, and no secret with it",
    async (_, args, named) => {
      const { stdout, stderr, exitCode } = await run(command, args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain(named);
      expect(stderr).not.toContain(SECRET);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    },
    30_000,
  );
});

test("serve and consume: a certificate that is not there ends them before they start", async () => {
  for (const command of ["serve", "consume"]) {
    const environment = { KAFKA_CONFIG: "security.protocol=ssl\nssl.ca.location=no/such/ca.pem\n" };
    const { stderr, exitCode } = await run(command, [], environment);
    expect(exitCode).toBe(2);
    expect(stderr).toStartWith(`${command}: --kafka-config (KAFKA_CONFIG): `);
    expect(stderr).toContain("ssl.ca.location");
  }
}, 30_000);

test("demo: --kafka-config without a Kafka that it could be for is refused", async () => {
  const { stderr, exitCode } = await run("demo", ["--kafka-config", "compression.type=gzip"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("--kafka-brokers");
}, 30_000);

test.each([
  [["--linger-ms", "5000", "--delivery-timeout-ms", "6000"], "--linger-ms 5000"],
  [["--max-event-bytes", "5000", "--max-pending-bytes", "4000"], "--max-pending-bytes 4000"],
])(
  "serve: options that do not go together are refused: %j",
  async (args, named) => {
    const { stderr, exitCode } = await run("serve", args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(named);
  },
  30_000,
);
