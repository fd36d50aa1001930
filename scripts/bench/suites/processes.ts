/** One serve process against one a core, where serve can be had as several (`--processes`). */
import { type ServerKind, serveOf } from "../servers.ts";
import type { Suite } from "../suite.ts";
import { inTurn, oneEventLoad } from "./http.ts";

const COUNTS = [1, 2] as const;

export const processes: Suite = {
  name: "processes",
  title: "One process, and two",
  about: "serve with `--processes`, one event a request. CPU is that of all its processes together.",
  unit: "event",
  chart: "bars",
  needs: { command: "serve", flag: "processes" },
  async cases(bench) {
    const kinds: ServerKind[] = [];
    for (const tree of bench.trees) {
      for (const count of COUNTS) {
        const label = tree.label(count === 1 ? "1 process" : `${count} processes`);
        kinds.push({ ...serveOf(tree, ["--processes", `${count}`], count), label });
      }
    }
    const loads = await Promise.all([64, 512].map((connections) => oneEventLoad(bench, { connections })));
    return loads.flatMap((load) => inTurn(bench, `${load.connections} connections`, kinds, load));
  },
};
