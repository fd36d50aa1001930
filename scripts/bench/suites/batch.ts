/** A thousand events a request, as NDJSON; durable, with an outcome for each event. */
import { join } from "node:path";
import { BATCH_EVENTS, batchOf, EVENT_BYTES } from "../events.ts";
import type { HttpLoad } from "../http-run.ts";
import { serveOf } from "../servers.ts";
import type { Bench, Suite } from "../suite.ts";
import { inTurn } from "./http.ts";

export async function batchLoad(bench: Bench): Promise<HttpLoad> {
  const bodyFile = join(bench.folder, "batch.ndjson");
  await Bun.write(bodyFile, batchOf(BATCH_EVENTS, EVENT_BYTES));
  return {
    connections: 16,
    path: "/register_events",
    contentType: "application/x-ndjson",
    bodyFile,
    eventsPerRequest: BATCH_EVENTS,
  };
}

export const batch: Suite = {
  name: "batch",
  title: "A thousand events a request",
  about:
    `NDJSON, ${BATCH_EVENTS} events of ${EVENT_BYTES} bytes, 16 connections. Latencies are those of a request. The ceiling is what the suite ` +
    "publish makes: the same records with the same headers, without HTTP and JSON.",
  unit: "event",
  chart: "bars",
  async cases(bench) {
    const load = await batchLoad(bench);
    return inTurn(
      bench,
      `${load.connections} connections`,
      bench.trees.map((tree) => serveOf(tree)),
      load,
    );
  },
};
