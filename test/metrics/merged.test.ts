/** Several processes' metrics in one text: no series of one is taken for another's. */
import { expect, test } from "bun:test";
import { mergedMetrics } from "../../src/metrics/index.ts";
import { Registry } from "../../src/metrics/registry.ts";

function registryOf(count: number): Registry {
  const registry = new Registry();
  registry.counter({ name: "x_total", help: "X.", read: () => count });
  registry.counter({ name: "y_total", help: "Y.", labels: ["code"], read: () => [[{ code: "a" }, count]] });
  registry.histogram("h_seconds", "H.", () => ({ bounds: [0.1], counts: [count, 1], sum: count }));
  return registry;
}

test("each series once a process, each description once, and how many processes there are", async () => {
  const figures = await Promise.all([5, 7].map((count, i) => registryOf(count).figures({ process: String(i) })));
  // As they come through the channel between processes.
  const response = await mergedMetrics({ figures: structuredClone(figures), running: 2, replaced: 3 });
  const lines = (await response.text()).split("\n");
  expect(response.headers.get("content-type")).toStartWith("text/plain");
  expect(lines.filter((line) => line.startsWith("# TYPE")).toSorted()).toEqual([
    "# TYPE h_seconds histogram",
    "# TYPE sluice_process_restarts_total counter",
    "# TYPE sluice_processes gauge",
    "# TYPE x_total counter",
    "# TYPE y_total counter",
  ]);
  expect(lines).toContain("sluice_processes 2");
  expect(lines).toContain("sluice_process_restarts_total 3");
  expect(lines.filter((line) => line.startsWith("x_total"))).toEqual([
    'x_total{process="0"} 5',
    'x_total{process="1"} 7',
  ]);
  expect(lines).toContain('y_total{code="a",process="1"} 7');
  expect(lines.filter((line) => line.startsWith("h_seconds_bucket") && line.includes('"1"'))).toEqual([
    'h_seconds_bucket{le="0.1",process="1"} 7',
    'h_seconds_bucket{le="+Inf",process="1"} 8',
  ]);
});
