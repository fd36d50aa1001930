/** Results as charts: SVG by ECharts, which renders it without a browser. */
import { join } from "node:path";
import { type CustomSeriesOption, type EChartsOption, init } from "echarts";
import { chartNames } from "./report.ts";
import type { Row, SuiteResult } from "./results.ts";
import type { Suite } from "./suite.ts";
import { PROJECT_FOLDER } from "./trees.ts";

const WIDTH = 760;
const BAR_HEIGHT = 34;
const FRAME_HEIGHT = 110;
const COURSE_HEIGHT = 360;

/** Into docs/charts; the paths. */
export async function writeCharts(suite: Suite, result: SuiteResult): Promise<string[]> {
  const written: string[] = [];
  for (const { groups, title, file } of chartNames(suite, result)) {
    const rows = result.rows.filter(({ group }) => groups.includes(group));
    const svg = suite.chart === "bars" ? barChart(rows, { title, unit: suite.unit }) : courseChart(rows, title);
    const path = join(PROJECT_FOLDER, "docs", file);
    await Bun.write(path, `${svg}\n`);
    written.push(path);
  }
  return written;
}

/** The median rate of each row as a bar, and from the least to the most as a line. */
export function barChart(rows: readonly Row[], o: { title: string; unit: string }): string {
  const hasGroups = new Set(rows.map(({ group }) => group)).size > 1;
  const rates = rows.map(({ medians }) => medians.rate ?? { median: 0, min: 0, max: 0 });
  const labels = rows.map(({ group, name }, index) => {
    const rate = Math.round(rates[index]!.median).toLocaleString("en-US");
    return `${hasGroups ? `${name}, ${group}` : name}: ${rate}`;
  });
  const whiskers: CustomSeriesOption = {
    type: "custom",
    z: 10,
    data: rates.map(({ min, max }, index) => [min, max, index]),
    encode: { x: [0, 1], y: 2 },
    renderItem: (_, api) => {
      const [from, to] = [0, 1].map((dimension) => api.coord([api.value(dimension), api.value(2)]));
      const shape = { x1: from![0]!, y1: from![1]!, x2: to![0]!, y2: to![1]! };
      return { type: "line", shape, style: { stroke: "#222", lineWidth: 2 } };
    },
  };
  return render(FRAME_HEIGHT + rows.length * BAR_HEIGHT, {
    title: { text: o.title, left: "center", textStyle: { fontSize: 15 } },
    grid: { left: 40, right: 40, top: 40, bottom: 45, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: { type: "value", name: `${o.unit}s a second`, nameLocation: "middle", nameGap: 28 },
    yAxis: { type: "category", inverse: true, data: labels },
    series: [
      {
        type: "bar",
        data: rates.map(({ median }) => Math.round(median)),
        barCategoryGap: "25%",
      },
      whiskers,
    ],
  });
}

/** What each row's run went through: megabytes over millions of events. */
export function courseChart(rows: readonly Row[], title: string): string {
  return render(COURSE_HEIGHT, {
    title: { text: title, left: "center", textStyle: { fontSize: 15 } },
    legend: { bottom: 0 },
    grid: { left: 60, right: 30, top: 40, bottom: 70 },
    xAxis: { type: "value", name: "million events", nameLocation: "middle", nameGap: 26 },
    yAxis: { type: "value", name: "MB", min: 0 },
    series: rows.map(({ name, runs }) => ({
      type: "line",
      name,
      showSymbol: false,
      data: (runs[0]?.course ?? []).map(([x, y]) => [x, y]),
    })),
  });
}

function render(height: number, option: EChartsOption): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  try {
    chart.setOption({ animation: false, backgroundColor: "#fff", ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
