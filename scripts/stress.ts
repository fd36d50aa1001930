/**
 * `bun run stress [events]`: events through serve, Kafka and consume while the garbage collector runs without pause in both
 * (BUN_JSC_collectContinuously), which is what shows memory handed to C too early or kept too long. Every line of the log is
 * compared with the event that was sent, byte for byte. Exit 0 only where every event is there once and unchanged.
 * Uses KAFKA_BROKERS where it is set, else starts a broker of its own.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEventSource, type Summary } from "../src/simulate/index.ts";
import { freePorts, startCluster } from "./kafka/cluster.ts";

const root = join(import.meta.dir, "..");
const STRESS = { BUN_JSC_collectContinuously: "1" };
const SEED = 20_261_122;
const READ_BYTES = 4 * 1024 * 1024;

type Process = Bun.Subprocess<"ignore", "pipe", "pipe">;

function start(command: string, args: readonly string[], environment: Record<string, string> = {}): Process {
  return Bun.spawn([process.execPath, join(root, `src/${command}.ts`), ...args], {
    // What it logs is waited for, whatever the shell's own LOG_LEVEL keeps quiet.
    env: { ...process.env, LOG_LEVEL: "info", BUN_CONFIG_MAX_HTTP_REQUESTS: "10000", ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Reads a process's log to its end; the promise gives the first match of the pattern. */
function watchLog(child: Process, pattern: RegExp, echo: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const read = async () => {
    let text = "";
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      for (const line of chunk.split("\n")) if (echo.test(line)) say(line);
      text = (text + chunk).slice(-100_000);
      const match = pattern.exec(text);
      if (match) resolve(match[1] ?? "");
    }
    reject(new Error(`the process ended: ${text.slice(-2000)}`));
  };
  read().catch(reject);
  promise.catch(() => {});
  return promise;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What the log must hold: a hash of each event's body, by the index that stands at the end of its id. */
function expectedHashes(events: number): BigUint64Array {
  const source = createEventSource(SEED);
  const hashes = new BigUint64Array(events);
  for (let i = 0; i < events; i++) hashes[i] = Bun.hash(source.next().body) as bigint;
  return hashes;
}

export interface Verdict {
  lines: number;
  missing: number;
  duplicated: number;
  wrong: number;
}

/** Streams the log and holds every line against what was sent. */
export async function verifyLog(path: string, expected: BigUint64Array): Promise<Verdict> {
  const seen = new Uint8Array(expected.length);
  const verdict: Verdict = { lines: 0, missing: 0, duplicated: 0, wrong: 0 };
  const size = Bun.file(path).size;
  let rest = Buffer.alloc(0);
  for (let at = 0; at < size; at += READ_BYTES) {
    const chunk = Buffer.concat([
      rest,
      Buffer.from(
        await Bun.file(path)
          .slice(at, at + READ_BYTES)
          .arrayBuffer(),
      ),
    ]);
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      checkLine(chunk.subarray(start, end), expected, seen, verdict);
      start = end + 1;
    }
    rest = chunk.subarray(start);
  }
  if (rest.length > 0) verdict.wrong++;
  verdict.missing = seen.filter((count) => count === 0).length;
  return verdict;
}

const VALUE = Buffer.from(',"value":');

function checkLine(line: Buffer, expected: BigUint64Array, seen: Uint8Array, verdict: Verdict): void {
  verdict.lines++;
  const valueAt = line.indexOf(VALUE);
  const index = Number.parseInt(
    /"id":"[0-9a-f-]*-([0-9a-f]{12})"/.exec(line.toString("latin1", 0, valueAt))?.[1] ?? "",
    16,
  );
  const value = line.subarray(valueAt + VALUE.length, line.length - 1);
  if (!(index < expected.length) || Bun.hash(value) !== expected[index]) verdict.wrong++;
  else if (seen[index]) verdict.duplicated++;
  else seen[index] = 1;
}

async function stress(events: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-stress-"));
  const given = process.env.KAFKA_BROKERS;
  const cluster = given
    ? undefined
    : await startCluster({ brokers: 1, ports: await freePorts(1), dataFolder: folder, onProgress: say });
  const children: Process[] = [];
  try {
    const log = join(folder, "consumer.log");
    const kafka = ["--kafka-brokers", given ?? cluster!.bootstrap, "--kafka-topic", `stress-${Date.now()}`];
    const serve = start("serve", [...kafka, "--port", "0"], STRESS);
    children.push(serve);
    const url = await watchLog(serve, /"url":"(http[^"]+)"/, /"level":"(error|fatal)"|"msg":"stopped"/);
    const simulate = start("simulate", [
      "--url",
      url,
      "--events",
      String(events),
      "--seed",
      String(SEED),
      "--concurrency",
      "256",
      "--json",
      "--log-level",
      "silent",
    ]);
    children.push(simulate);
    const summary = JSON.parse(await simulate.stdout.text()) as Summary;
    say(
      `serve under GC stress: ${summary.acked_events} of ${events} acked, ${Math.round(summary.acked_events_per_s)}/s`,
    );
    serve.kill("SIGTERM");
    const serveCode = await serve.exited;

    const consume = start("consume", [...kafka, "--kafka-group", `stress-${Date.now()}`, "--log-file", log], STRESS);
    children.push(consume);
    watchLog(consume, /\b\B/, /"level":"(error|fatal)"|stopped/);
    const started = performance.now();
    while (lineCount(log) < events && consume.exitCode === null && performance.now() - started < 1_200_000)
      await Bun.sleep(500);
    say(`consume under GC stress: ${lineCount(log)} lines in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    consume.kill("SIGTERM");
    const consumeCode = await consume.exited;

    const verdict = await verifyLog(log, expectedHashes(events));
    const isGood =
      summary.acked_events === events &&
      verdict.lines === events &&
      verdict.missing + verdict.duplicated + verdict.wrong === 0;
    say(
      `exit codes: serve ${serveCode}, consume ${consumeCode}; ${JSON.stringify(verdict)}: ${isGood ? "every event once, every byte right" : "FAILED"}`,
    );
    return isGood && serveCode === 0 && consumeCode === 0 ? 0 : 1;
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

let counted = { path: "", bytes: 0, lines: 0 };

/** Lines so far, by reading only what is new. */
function lineCount(path: string): number {
  if (counted.path !== path) counted = { path, bytes: 0, lines: 0 };
  const file = Bun.file(path);
  if (file.size > counted.bytes) {
    const fd = openSync(path, "r");
    const buffer = Buffer.alloc(READ_BYTES);
    for (
      let n = readSync(fd, buffer, 0, READ_BYTES, counted.bytes);
      n > 0;
      n = readSync(fd, buffer, 0, READ_BYTES, counted.bytes)
    ) {
      for (let i = buffer.indexOf(10); i !== -1 && i < n; i = buffer.indexOf(10, i + 1)) counted.lines++;
      counted.bytes += n;
    }
    closeSync(fd);
  }
  return counted.lines;
}

if (import.meta.main) {
  const events = Number(process.argv[2] ?? 1_000_000);
  if (!Number.isSafeInteger(events) || events < 1) {
    say("stress: the number of events must be a whole number from 1");
    process.exit(2);
  }
  process.exit(await stress(events));
}
