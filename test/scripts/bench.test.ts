/** The parts of `bun run bench` that need no load: what it reads, counts, sums up and writes. What it measures, nobody can test. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { barChart, courseChart } from "../../scripts/bench/charts.ts";
import { cpuMs, readStat, readTime, residentBytes, withDescendants } from "../../scripts/bench/cpu.ts";
import { batchOf, EVENT_BYTES, EVENT_BYTES_MIN, eventOf } from "../../scripts/bench/events.ts";
import { keepingFaults } from "../../scripts/bench/http-run.ts";
import { wholeAnswer } from "../../scripts/bench/loops/http-load.ts";
import { findOha, jsonFlagsOf, readReport } from "../../scripts/bench/oha.ts";
import { blocksWith, README_ADDRESS, shortened } from "../../scripts/bench/readme.ts";
import { chartNames, performancePage, resultTable } from "../../scripts/bench/report.ts";
import { makeResult, type Row, readResult, summarizeRuns } from "../../scripts/bench/results.ts";
import { median, spread } from "../../scripts/bench/statistics.ts";
import type { Run } from "../../scripts/bench/suite.ts";
import { readPerfTest } from "../../scripts/bench/suites/consume.ts";
import { SUITES } from "../../scripts/bench/suites/index.ts";
import { BASELINE_NAMES, benchOptions, namesIn, SUITE_NAMES } from "../../src/options/bench.ts";
import { parseOptions } from "../../src/options/core.ts";

const root = join(import.meta.dir, "../..");

describe("statistics", () => {
  test("the median is the middle, or the mean of the two middle ones", () => {
    expect([median([3]), median([9, 1, 5]), median([4, 1, 2, 3])]).toEqual([3, 5, 2.5]);
  });

  test("a median leaves its input in order, and there is none of nothing", () => {
    const values = [3, 1, 2];
    expect([spread(values), values]).toEqual([{ median: 2, min: 1, max: 3 }, [3, 1, 2]]);
    expect(() => median([])).toThrow(RangeError);
  });

  test("runs are summed up by figure; what no run has is left out", () => {
    const runs: Run[] = [10, 30, 20].map((rate) => ({ figures: { rate }, faults: [] }));
    expect(summarizeRuns(runs)).toEqual({ rate: { median: 20, min: 10, max: 30 } });
  });
});

/** As oha 1.16 prints it, shortened. */
const REPORT = JSON.stringify({
  summary: { successRate: 1, total: 2.5, requestsPerSec: 400 },
  latencyPercentiles: { p10: 0.0001, p50: 0.0021, p99: 0.0135 },
  statusCodeDistribution: { "202": 990, "503": 10 },
  errorDistribution: { "aborted due to deadline": 3 },
});

describe("oha", () => {
  test("its report is read, times in milliseconds", () => {
    expect(readReport(REPORT)).toEqual({
      seconds: 2.5,
      statuses: { "202": 990, "503": 10 },
      errors: { "aborted due to deadline": 3 },
      p50Ms: 2.1,
      p99Ms: 13.5,
    });
  });

  test("a report without one answer has no latencies, and is read all the same", () => {
    const none = { summary: { total: 1 }, latencyPercentiles: { p50: null, p99: null }, statusCodeDistribution: {} };
    expect(readReport(JSON.stringify(none)).p50Ms).toBeNaN();
  });

  test.each(["", "Usage: …", "{}", '{"summary":{}}'])("what is no report is refused: %p", (text) => {
    expect(() => readReport(text)).toThrow("report");
  });

  test("hatoo/oha is told by its options, old and new; the npm package of that name has others", () => {
    expect(jsonFlagsOf("--no-tui … --output-format <OUTPUT_FORMAT>")).toEqual(["--output-format", "json"]);
    expect(jsonFlagsOf("--no-tui … -j, --json")).toEqual(["--json"]);
    expect(jsonFlagsOf("oha: a command line for something else, --json")).toBeUndefined();
  });

  test("where it is missing, and where something else has its name, the message says how to come by it", () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-oha-"));
    try {
      expect(() => findOha({ PATH: folder, HOME: folder })).toThrow(
        /cargo install oha --locked[\s\S]*brew install oha/,
      );
      writeFileSync(join(folder, "oha"), "#!/bin/sh\necho something else\n", { mode: 0o755 });
      expect(() => findOha({ PATH: folder, HOME: folder })).toThrow(/not hatoo\/oha[\s\S]*cargo install oha/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("nothing lost", () => {
  const report = readReport(REPORT);
  const check = (found: number, eventsPerRequest = 1) =>
    keepingFaults(report, { eventsPerRequest }, { before: 5, after: 5 + found });

  test("every 202 has its record; what had another answer may have landed or not", () => {
    expect([check(990), check(995), check(1003)]).toEqual([[], [], []]);
  });

  test("a record too few is a loss, one too many a fault", () => {
    expect(check(989)[0]).toStartWith("LOST: 990 events");
    expect(check(1004)).toHaveLength(1);
  });

  test("of a batch every event counts", () => {
    expect(check(990_000, 1000)).toEqual([]);
    expect(check(989_999, 1000)[0]).toStartWith("LOST: 990000 events");
  });
});

describe("processes", () => {
  test("/proc/PID/stat is read, whatever the name of the process", () => {
    const fields = Array.from({ length: 49 }, (_, index) => String(index + 4));
    const stat = `77 (a (b) c 9) S ${fields.join(" ")}`;
    expect(readStat(stat, { msPerTick: 10, pageBytes: 4096 })).toEqual({
      pid: 77,
      parent: 4,
      cpuMs: (14 + 15) * 10,
      residentBytes: 24 * 4096,
    });
  });

  test("the times of `ps` are read: Linux's, macOS's, and those of long-lived processes", () => {
    expect(["00:01:02", "0:01.50", "61:00.00", "1-02:03:04"].map(readTime)).toEqual([
      62_000, 1500, 3_660_000, 93_784_000,
    ]);
  });

  test("descendants count with their ancestor, others do not", () => {
    const all = [
      { pid: 1, parent: 0 },
      { pid: 2, parent: 1 },
      { pid: 3, parent: 2 },
      { pid: 4, parent: 9 },
    ];
    expect(withDescendants(all, [2]).map(({ pid }) => pid)).toEqual([2, 3]);
    expect(withDescendants(all, [])).toEqual([]);
  });

  test("this process has used CPU and memory", () => {
    expect(cpuMs([process.pid])).toBeGreaterThan(0);
    expect(residentBytes([process.pid])).toBeGreaterThan(10_000_000);
  });
});

describe("what is sent", () => {
  test.each([EVENT_BYTES_MIN, 100, EVENT_BYTES, 1000, 100_000])(
    "an event of %d bytes is one JSON object of that size",
    (bytes) => {
      const event = eventOf(bytes, 7);
      expect(Buffer.byteLength(event)).toBe(bytes);
      expect(JSON.parse(event)).toMatchObject({ event_type: "page_view", user_id: "user-00007" });
    },
  );

  test("a batch is a line an event, and no two are the same", () => {
    const lines = batchOf(1000, EVENT_BYTES).trimEnd().split("\n");
    expect(new Set(lines).size).toBe(1000);
  });

  test("the guard's load knows a whole answer from the beginning of one", () => {
    const answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabc";
    expect(wholeAnswer(answer)).toBe("202");
    for (const end of [5, 30, answer.length - 1]) expect(wholeAnswer(answer.slice(0, end))).toBeUndefined();
    expect(() => wholeAnswer("HTTP/1.1 200 OK\r\n\r\n")).toThrow("without a length");
  });
});

test("kafka-consumer-perf-test's line is read", () => {
  const line =
    "2026-11-28 00:10:00:123, 2026-11-28 00:10:02:456, 292.5110, 125.3800, 2000000, 857265.3236, 321, 2012, 145.3832, 994035.7852";
  expect(readPerfTest(`WARN something\n${line}\n`)).toEqual({
    records: 2_000_000,
    rate: 857_265.3236,
    fetchRate: 994_035.7852,
  });
  expect(readPerfTest("WARN something\n")).toBeUndefined();
});

function row(group: string, name: string, ...rates: number[]): Row {
  const runs: Run[] = rates.map((rate) => ({ figures: { rate, p50Ms: rate / 1000 }, faults: [], course: [[0, rate]] }));
  return { group, name, medians: summarizeRuns(runs), runs };
}

describe("results", () => {
  const rows = [row("64", "serve", 20_000, 22_000, 21_000), row("64", "bare", 42_000), row("512", "serve", 30_000)];

  test("a table has medians, spreads and ratios to the first of each group", () => {
    const table = resultTable({ rows });
    expect(table).toContain("21,000 (20,000–22,000)");
    const cells = table.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    expect(cells.slice(2).map((line) => line.at(-3))).toEqual(["1.00", "2.00", "1.00"]);
  });

  test("a file is written as it is read, and one of another form is refused", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-results-"));
    try {
      const about = { commit: "1a2b3c4", rounds: 3, seconds: 5, versions: { Bun: Bun.version } };
      const result = makeResult(SUITES.http, rows, about);
      expect(result.machine.cores).toBeGreaterThan(0);
      writeFileSync(join(folder, "http.json"), JSON.stringify(result));
      expect(await readResult("http", folder)).toEqual(result);
      expect(await readResult("batch", folder)).toBeUndefined();
      writeFileSync(join(folder, "http.json"), JSON.stringify({ ...result, format: 0 }));
      expect(readResult("http", folder)).rejects.toThrow("format 0");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a chart is an SVG with every row in it; many groups are a chart each", () => {
    const svg = barChart(rows, { title: "One event", unit: "event" });
    expect(svg).toStartWith("<svg");
    for (const text of ["One event", "serve, 64", "bare, 64", "serve, 512", "events a second"])
      expect(svg).toContain(text);
    expect(courseChart(rows.slice(0, 1), "Memory")).toContain("million events");
    expect(chartNames(SUITES.http, { rows })).toHaveLength(1);
    const three = [...rows, row("what is on", "keys", 1)];
    expect(chartNames(SUITES.growth, { rows: three }).map(({ file }) => file)).toEqual([
      "charts/growth-64.svg",
      "charts/growth-512.svg",
      "charts/growth-what-is-on.svg",
    ]);
  });

  test("the page needs its markers", () => {
    expect(performancePage("# Performance\n")).rejects.toThrow("bench:begin");
  });
});

describe("the command", () => {
  test("every suite has its name, and lists are read in their own order", () => {
    expect(Object.keys(SUITES).sort()).toEqual([...SUITE_NAMES].sort());
    for (const [name, suite] of Object.entries(SUITES)) expect(suite.name).toBe(name as typeof suite.name);
    expect(namesIn(SUITE_NAMES, "memory,http")).toEqual(["http", "memory"]);
    expect(namesIn(BASELINE_NAMES, undefined)).toEqual([]);
  });

  test("a suite or a baseline that is not there is refused by name", () => {
    expect(() => parseOptions(benchOptions, ["--suite", "http,speed"], {})).toThrow("--suite must be http");
    expect(() => parseOptions(benchOptions, ["--baseline", "rails"], {})).toThrow("--baseline must be fastapi");
  });
});

describe("the README's oha commands", async () => {
  const readme = await Bun.file(join(root, "README.md")).text();
  const blocks = blocksWith("oha ", readme, "Benchmarks");

  test("are there: one event, a batch, the status; each for the README's address and a time or a number", () => {
    expect(blocks.map((block) => /8000\/(\w+)/.exec(block)?.[1])).toEqual([
      "register_event",
      "register_events",
      "get_status",
    ]);
    for (const block of blocks) expect(block).toMatch(/^oha .*-[zn] \d+/m);
  });

  test("are run for a second at another address, with nothing else changed", () => {
    const block = `oha -z 10s -c 64 -m POST -d '{"z":1}' ${README_ADDRESS}/register_event\n`;
    expect(shortened(block, "http://127.0.0.1:9", ["--json"])).toBe(
      `oha --no-tui --json -z 1s -c 64 -m POST -d '{"z":1}' http://127.0.0.1:9/register_event\n`,
    );
  });

  test("no other section has one that would go unchecked", () => {
    expect(readme.match(/^oha /gm)).toHaveLength(blocks.length);
  });
});
