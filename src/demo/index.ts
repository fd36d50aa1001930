/**
 * The demo: broker, serve, consume and simulate as real processes, and a verdict on what became of every event. Whatever
 * happens, nothing it started is left running.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { StopSignal } from "../command.ts";
import { removeLog } from "../consume/index.ts";
import { MockCluster } from "../kafka/index.ts";
import { UsageError, type Values } from "../options/core.ts";
import type { demoOptions } from "../options/demo.ts";
import { eventId, type Summary } from "../simulate/index.ts";
import { Child } from "./child.ts";
import { LogWatch } from "./log-watch.ts";
import { type Findings, isPassed, verdictText } from "./verdict.ts";

type Options = Values<typeof demoOptions>;

const PARTITIONS = 8;
/**
 * The embedded broker keeps 5 MB a partition and drops the oldest beyond. Events have about 400 bytes with their headers; with
 * unevenly filled partitions, this many are safe even if nothing consumed meanwhile.
 */
const MAX_EMBEDDED_EVENTS = 50_000;
const READY_TIMEOUT_MS = 30_000;
/** The log must keep growing: this long without a new line, and the rest counts as lost. */
const STALL_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

export async function demo(options: Options, stop: StopSignal, say: (line: string) => void): Promise<number> {
  if (options.kafkaBrokers === undefined && options.events > MAX_EMBEDDED_EVENTS) {
    throw new UsageError(
      `--events must be at most ${MAX_EMBEDDED_EVENTS} on the embedded broker, which holds 5 MB a partition; ` +
        "give --kafka-brokers (bun run kafka up) for more",
    );
  }
  if (options.kafkaBrokers === undefined && options.kafkaConfig.length > 0)
    throw new UsageError("--kafka-config is for the Kafka that --kafka-brokers names; the embedded broker takes none");
  const run = new DemoRun(options, say);
  try {
    const findings = await run.go(stop);
    if (findings === undefined) {
      say("interrupted: stopping everything");
      return 130;
    }
    process.stdout.write(verdictText(findings));
    return isPassed(findings) ? 0 : 1;
  } finally {
    await run.stop();
  }
}

class DemoRun {
  readonly #options: Options;
  readonly #say: (line: string) => void;
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-demo-"));
  readonly #children: Child[] = [];
  readonly #seed: number;
  #mock: MockCluster | undefined;

  constructor(options: Options, say: (line: string) => void) {
    this.#options = options;
    this.#say = say;
    this.#seed = options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
  }

  /** Undefined where a stop was asked for. */
  async go(stop: StopSignal): Promise<Findings | undefined> {
    const stopped = stop.whenRequested.then(() => undefined);
    const working = this.#work(stop);
    // Whoever comes second must not end as an unhandled rejection: stopping the pieces makes the other fail.
    working.catch(() => {});
    return Promise.race([working, stopped]);
  }

  async #work(stop: StopSignal): Promise<Findings> {
    const { events } = this.#options;
    const logFile = resolve(this.#options.logFile);
    mkdirSync(dirname(logFile), { recursive: true });
    removeLog(logFile);
    const topic = this.#options.kafkaTopic ?? `sluice-demo-${Date.now().toString(36)}`;
    const brokers = this.#options.kafkaBrokers ?? this.#startBroker(topic);
    this.#say(
      `Kafka     ${brokers}${this.#mock ? " (embedded in this demo: it keeps nothing after it stops)" : ""}, topic ${topic}`,
    );
    const common = [
      "--kafka-brokers",
      brokers,
      "--kafka-topic",
      topic,
      "--log-level",
      childLevel(this.#options.logLevel),
    ];
    const serve = this.#start("serve", [...common, "--port", String(this.#options.port)]);
    const consume = this.#start("consume", [
      ...common,
      "--kafka-group",
      `demo-${process.pid}-${Date.now()}`,
      "--log-file",
      logFile,
    ]);
    const url = await this.#listening(serve);
    this.#say(`serve     ${url}  (its page: ${url}/docs)`);
    await this.#assigned(consume);
    this.#say(`consume   writes ${logFile}`);
    this.#say(`simulate  ${events.toLocaleString("en-US")} events, seed ${this.#seed}`);
    const summary = await this.#simulate(url);
    const ids = Array.from({ length: summary.requested_events }, (_, i) => eventId(this.#seed, i));
    const watch = new LogWatch(logFile, ids);
    await this.#untilLogged(watch, summary.acked_events, [serve, consume], stop);
    const lastWriteUnixMs = watch.lines > 0 ? watch.lastWriteUnixMs : null;
    const failures = await this.#end([serve, consume]);
    watch.read();
    return {
      summary,
      logged: ids.length - watch.missing,
      lost: Math.max(0, summary.acked_events - (ids.length - watch.missing)),
      duplicated: watch.duplicates,
      lastWriteUnixMs,
      logFile,
      isEmbedded: this.#mock !== undefined,
      failures,
    };
  }

  #startBroker(topic: string): string {
    this.#mock = new MockCluster(1);
    this.#mock.createTopic(topic, PARTITIONS);
    return this.#mock.bootstrap;
  }

  #logOf(command: string): string {
    return join(this.#folder, `${command}.log`);
  }

  #start(command: "serve" | "consume", args: readonly string[]): Child {
    const { args: more, environment } = handedOn(this.#options.kafkaConfig);
    const child = new Child({ command, args: [...args, ...more], environment, stderr: this.#logOf(command) });
    this.#children.push(child);
    return child;
  }

  /** The address that serve says it listens on, once it has reached Kafka. */
  async #listening(serve: Child): Promise<string> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline && !serve.hasExited) {
      const url = /"url":"(http[^"]+)"/.exec(readFileSync(this.#logOf("serve"), "utf8"))?.[1];
      if (url !== undefined && (await isServing(url))) return url;
      await Bun.sleep(POLL_MS);
    }
    throw new Error(`serve did not come up. Its log:\n${this.#tail("serve")}`);
  }

  /** The consumer group has formed: otherwise its forming would stand in the verdict as time from last ack to last line. */
  async #assigned(consume: Child): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline && !consume.hasExited) {
      if (/"msg":"partitions assigned"/.test(readFileSync(this.#logOf("consume"), "utf8"))) return;
      await Bun.sleep(POLL_MS);
    }
    throw new Error(`consume got no partitions. Its log:\n${this.#tail("consume")}`);
  }

  async #simulate(url: string): Promise<Summary> {
    const { events, concurrency, rate } = this.#options;
    const args = [
      "--url",
      url,
      "--events",
      events,
      "--concurrency",
      concurrency,
      "--rate",
      rate,
      "--seed",
      this.#seed,
    ].map(String);
    const child = new Child({
      command: "simulate",
      args: [...args, "--json"],
      environment: { BUN_CONFIG_MAX_HTTP_REQUESTS: "10000", NO_PROXY: "127.0.0.1" },
      stderr: "inherit",
    });
    this.#children.push(child);
    const text = await new Response(child.stdout).text();
    await child.exited;
    try {
      return JSON.parse(text) as Summary;
    } catch {
      throw new Error(`simulate did not print a summary: ${text.slice(0, 500)}`);
    }
  }

  async #untilLogged(watch: LogWatch, acked: number, pieces: readonly Child[], stop: StopSignal): Promise<void> {
    let lastGrowthAt = performance.now();
    let lines = 0;
    const expected = watch.missing;
    while (expected - watch.missing < acked && !stop.requested) {
      watch.read();
      if (watch.lines > lines) lastGrowthAt = performance.now();
      lines = watch.lines;
      const dead = pieces.find((piece) => piece.hasExited);
      if (dead) throw new Error(`${dead.command} ended too early. Its log:\n${this.#tail(dead.command)}`);
      if (performance.now() - lastGrowthAt > STALL_TIMEOUT_MS) return;
      await Bun.sleep(POLL_MS);
    }
  }

  /** Stops the pieces in order; the names and logs of those that did not end with 0. */
  async #end(pieces: readonly Child[]): Promise<string[]> {
    const failures: string[] = [];
    for (const piece of pieces) {
      const code = await piece.stop();
      if (code !== 0) failures.push(`${piece.command} ended with exit code ${code}:\n${this.#tail(piece.command)}`);
    }
    return failures;
  }

  #tail(command: string): string {
    return readFileSync(this.#logOf(command), "utf8").trim().split("\n").slice(-15).join("\n");
  }

  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) await child.stop();
    await this.#mock?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** `--kafka-config` for the pieces: as a variable, since others can see flags; what holds a line break can only be a flag. */
function handedOn(kafkaConfig: readonly string[]) {
  return kafkaConfig.some((piece) => piece.includes("\n"))
    ? { args: kafkaConfig.map((piece) => `--kafka-config=${piece}`), environment: {} }
    : { args: [], environment: { KAFKA_CONFIG: kafkaConfig.join("\n") } };
}

/** The pieces log to files; what the demo itself reads there is written at level info. */
function childLevel(level: Options["logLevel"]): string {
  return level === "debug" || level === "trace" ? level : "info";
}

async function isServing(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/get_status`)).ok;
  } catch {
    return false;
  }
}
