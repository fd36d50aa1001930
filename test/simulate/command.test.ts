/** The command as its user meets it: a process with flags, an exit code, a summary, and Ctrl-C. */
import { describe, expect, test } from "bun:test";
import {
  deadUrl,
  finish,
  listenRaw,
  problem,
  projectFolder,
  receipt,
  runSimulate,
  serveEvents,
  spawnSimulate,
  summaryOf,
} from "./support.ts";

test("everything acked: exit 0, right counts, and the same seed sends the same bodies again", async () => {
  using server = serveEvents(receipt);
  const run = () => runSimulate("--url", server.url, "--events", "2000", "--seed", "9", "--json");
  const first = await run();
  expect(first.exitCode).toBe(0);
  expect(summaryOf(first)).toMatchObject({
    url: `${server.url}/register_event`,
    seed: 9,
    concurrency: 64,
    rate_per_s: 0,
    ending: "complete",
    unreachable_reason: null,
    requested_events: 2_000,
    sent_events: 2_000,
    unsent_events: 0,
    acked_events: 2_000,
    refused_events: 0,
    unknown_events: 0,
    refused_events_by_reason: {},
    unknown_events_by_reason: {},
    send_delay_us: null,
  });
  const { latency_us, elapsed_ms, acked_events_per_s, sent_bytes, started_unix_ms, last_ack_unix_ms } =
    summaryOf(first);
  const { p50, p90, p99, max } = latency_us!;
  expect([p50, p90, p99, max]).toEqual([p50, p90, p99, max].sort((a, b) => a - b));
  expect(p50).toBeGreaterThan(0);
  expect(Math.abs(acked_events_per_s / (2_000_000 / elapsed_ms) - 1)).toBeLessThan(0.05);
  expect(last_ack_unix_ms! - started_unix_ms).toBeWithin(elapsed_ms - 2, elapsed_ms + 3);
  const firstBodies = server.bodies.splice(0).sort();
  expect(sent_bytes).toBe(firstBodies.reduce((sum, body) => sum + Buffer.byteLength(body), 0));
  expect((await run()).exitCode).toBe(0);
  expect(server.bodies.sort()).toEqual(firstBodies);
});

test("without a seed each run sends ids of its own, and the text names the seed", async () => {
  using server = serveEvents(receipt);
  for (let i = 0; i < 2; i++) {
    const { exitCode, stdout } = await runSimulate("--url", server.url, "--events", "100");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^sent +100 of 100 events to http:\S+, seed \d+\nacked +100\nrefused +0\nunknown +0\ntime +\d/,
    );
    expect(stdout).toMatch(/latency +p50 [\d.]+ ms, p90 [\d.]+ ms, p99 [\d.]+ ms, max [\d.]+ ms\n$/);
  }
  expect(new Set(server.bodies.map((body) => (JSON.parse(body) as { id: string }).id)).size).toBe(200);
});

test("refusals and unknowns are counted by reason: exit 1", async () => {
  const answers = [
    (id: string) => receipt(id),
    () => problem(503, "kafka_unreachable"),
    () => problem(422, "wrong_type"),
    () => problem(504, "outcome_unknown"),
    () => receipt("another event's"),
  ];
  using server = serveEvents((id, index) => answers[index % answers.length]!(id));
  const json = await runSimulate("--url", server.url, "--events", "500", "--json");
  expect(json.exitCode).toBe(1);
  expect(summaryOf(json)).toMatchObject({
    ending: "complete",
    sent_events: 500,
    acked_events: 100,
    refused_events: 200,
    unknown_events: 200,
    refused_events_by_reason: { kafka_unreachable: 100, wrong_type: 100 },
    unknown_events_by_reason: { outcome_unknown: 100, bad_receipt: 100 },
  });
  const text = await runSimulate("--url", server.url, "--events", "500");
  expect(text.exitCode).toBe(1);
  expect(text.stdout).toMatch(
    /refused +200 {2}\((kafka_unreachable 100, wrong_type 100|wrong_type 100, kafka_unreachable 100)\)/,
  );
});

test("a server that closes its connections: all unknown, exit 1", async () => {
  using server = await listenRaw((socket) => void socket.on("data", () => socket.destroy()));
  const run = await runSimulate("--url", server.url, "--events", "200", "--json");
  expect(run.exitCode).toBe(1);
  expect(summaryOf(run)).toMatchObject({
    sent_events: 200,
    acked_events: 0,
    unknown_events_by_reason: { connection_reset: 200 },
    latency_us: null,
  });
});

test("nobody listening: it gives up soon and says where it tried", async () => {
  const sentence = `Gave up: could not connect to ${deadUrl}/register_event (connection_refused).`;
  const text = await runSimulate("--url", deadUrl);
  expect(text.exitCode).toBe(1);
  expect(text.stdout).toContain(sentence);
  const json = await runSimulate("--url", deadUrl, "--json");
  expect(json.exitCode).toBe(1);
  expect(json.stderr).toContain(sentence);
  const { ending, unreachable_reason, sent_events, unsent_events } = summaryOf(json);
  expect([ending, unreachable_reason, sent_events + unsent_events]).toEqual([
    "unreachable",
    "connection_refused",
    10_000,
  ]);
  // What was under way when it gave up, and no more.
  expect(sent_events).toBeLessThanOrEqual(2 * 64);
});

test("with a rate it takes its time and reports the delay of sending", async () => {
  using server = serveEvents(receipt);
  const run = await runSimulate("--url", server.url, "--events", "200", "--rate", "1000", "--json");
  expect(run.exitCode).toBe(0);
  // The last event is due 199 ms after the start; nothing goes out before its time.
  expect(summaryOf(run).elapsed_ms).toBeGreaterThanOrEqual(199);
  expect(summaryOf(run).send_delay_us).not.toBeNull();
});

describe("Ctrl-C", () => {
  test("stops the sending, waits for what is under way, and prints the summary: exit 1", async () => {
    const { promise: isBusy, resolve } = Promise.withResolvers<void>();
    using server = serveEvents((id, index) => {
      if (index === 500) resolve();
      return receipt(id);
    });
    const child = spawnSimulate(["--url", server.url, "--events", "100000000", "--json"]);
    await isBusy;
    child.kill("SIGINT");
    const run = await finish(child);
    expect(run.exitCode).toBe(1);
    const summary = summaryOf(run);
    expect(summary).toMatchObject({
      ending: "interrupted",
      refused_events: 0,
      unknown_events: 0,
      sent_events: server.bodies.length,
    });
    expect(summary.acked_events).toBe(summary.sent_events);
    expect(run.stderr).toContain("simulate: Interrupted: ");
  });

  test("does not wait for ever: what has no answer by then is unknown", async () => {
    const { promise: isFull, resolve } = Promise.withResolvers<void>();
    using server = serveEvents((id, index) => {
      if (index === 99 + 8) resolve();
      return index < 100 ? receipt(id) : new Promise<Response>(() => {});
    });
    const child = spawnSimulate(["--url", server.url, "--concurrency", "8", "--json"]);
    await isFull;
    child.kill("SIGINT");
    // Under `bun run` the second one follows at once, and must not count as impatience.
    child.kill("SIGINT");
    const run = await finish(child);
    expect(run.exitCode).toBe(1);
    expect(summaryOf(run)).toMatchObject({
      ending: "interrupted",
      acked_events: 100,
      unknown_events_by_reason: { interrupted: 8 },
    });
  });
});

test.each([
  [["--events", "0"], "--events must be"],
  [["--rate", "fast"], "--rate must be"],
  [["--url", "ftp://h"], "--url must be"],
  [["--concurrency", "257"], "--concurrency must be"],
  [["--frobnicate"], "--frobnicate"],
])("%p: exit 2 and a sentence that names it", async (flags, sentence) => {
  const run = await runSimulate(...flags);
  expect(run.exitCode).toBe(2);
  expect(run.stdout).toBe("");
  expect(run.stderr).toContain(sentence);
});

describe("progress", () => {
  test("is a plain line a second where there is no terminal, and none at a quieter log level", async () => {
    using server = serveEvents(receipt);
    const flags = ["--url", server.url, "--events", "120", "--rate", "100", "--json"];
    const [shown, quiet] = await Promise.all([runSimulate(...flags), runSimulate(...flags, "--log-level", "error")]);
    expect(shown.stderr).toMatch(/^simulate: \d+ of 120 answered, \d+\/s; acked \d+, refused 0, unknown 0\n/);
    expect(quiet.stderr).toBe("");
  });

  test("is a bar on a terminal", async () => {
    using server = serveEvents(receipt);
    const { promise: isShown, resolve } = Promise.withResolvers<void>();
    const decoder = new TextDecoder();
    let screen = "";
    const onData = (_: unknown, bytes: Uint8Array) => {
      screen += decoder.decode(bytes, { stream: true });
      if (/latency .*max [\d.]+ ms/.test(screen)) resolve();
    };
    const child = Bun.spawn([process.execPath, "src/simulate.ts", "--url", server.url, "--events", "500"], {
      cwd: projectFolder,
      terminal: { cols: 160, rows: 24, data: onData },
    });
    expect(await child.exited).toBe(0);
    await isShown;
    child.terminal?.close();
    expect(screen).toContain("█ 100% 500/500 | refused 0, unknown 0");
    expect(screen).toContain("acked    500");
  });
});
