/** How cost grows: with the event's size, partitions, connections, and with what may be switched on. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { EVENT_BYTES } from "../events.ts";
import { type HttpLoad, runHttp } from "../http-run.ts";
import { serveOf } from "../servers.ts";
import type { Bench, Case, Suite } from "../suite.ts";
import { oneEventLoad } from "./http.ts";

const SIZES = { "100 B": 100, "1 KB": 1000, "10 KB": 10_000, "100 KB": 100_000 } as const;
const PARTITIONS = [1, 12, 96] as const;
const CONNECTIONS = [16, 64, 256, 512, 1024, 2048] as const;
const USUAL_CONNECTIONS = 64;

/** What the events of this benchmark are. */
const SCHEMA = {
  type: "object",
  required: ["event_type", "user_id", "metadata"],
  properties: {
    event_type: { const: "page_view" },
    user_id: { type: "string", pattern: "^user-[0-9]+$" },
    metadata: { type: "object", properties: { page: { type: "string", minLength: 1 } } },
  },
};

export const growth: Suite = {
  name: "growth",
  title: "How cost grows",
  about:
    `One event a request; where not said otherwise ${EVENT_BYTES} bytes, 4 partitions, ${USUAL_CONNECTIONS} connections. "what is on": a record key (\`?key=\`), three ` +
    "record headers (`?header.<name>=`), a JSON Schema, and the record batches compressed. The first row of each block is what the others of it are held against.",
  unit: "event",
  chart: "bars",
  async cases(bench) {
    const usual = await oneEventLoad(bench, { connections: USUAL_CONNECTIONS });
    const cases: Case[] = [];
    const add = (group: string, what: string, load: HttpLoad, args: readonly string[] = []) => {
      for (const tree of bench.trees)
        cases.push({ group, name: tree.label(what), run: () => runHttp(bench, serveOf(tree, args), load) });
    };
    for (const [name, bytes] of Object.entries(SIZES))
      add("event size", name, await oneEventLoad(bench, { connections: USUAL_CONNECTIONS, bytes }));
    for (const partitions of PARTITIONS) add("partitions", `${partitions}`, { ...usual, partitions });
    for (const connections of CONNECTIONS) add("connections", `${connections}`, { ...usual, connections });
    add("what is on", "nothing", usual);
    add("what is on", "keys", { ...usual, path: `${usual.path}?key=user-00000` });
    add("what is on", "headers", { ...usual, path: `${usual.path}?header.a=1&header.b=two&header.c=three` });
    add("what is on", "schemas", usual, ["--schemas", await schemaFolder(bench)]);
    for (const codec of ["lz4", "zstd"])
      add("what is on", codec, usual, ["--kafka-config", `compression.type=${codec}`]);
    return cases;
  },
};

async function schemaFolder(bench: Bench): Promise<string> {
  const folder = join(bench.folder, "schemas");
  mkdirSync(folder, { recursive: true });
  await Bun.write(join(folder, "page_view.json"), JSON.stringify(SCHEMA));
  return folder;
}
