/** One durable event a request, at 64 and at 512 connections; with baselines beside serve. */
import { join } from "node:path";
import { EVENT_BYTES, eventOf } from "../events.ts";
import { type HttpLoad, runHttp } from "../http-run.ts";
import { type ServerKind, serveOf } from "../servers.ts";
import type { Bench, Case, Suite } from "../suite.ts";

export async function oneEventLoad(bench: Bench, o: { connections: number; bytes?: number }): Promise<HttpLoad> {
  const { connections, bytes = EVENT_BYTES } = o;
  const bodyFile = join(bench.folder, `event-${bytes}.json`);
  await Bun.write(bodyFile, eventOf(bytes));
  return { connections, path: "/register_event", contentType: "application/json", bodyFile, eventsPerRequest: 1 };
}

/** Every server under the same load. */
export function inTurn(bench: Bench, group: string, kinds: readonly ServerKind[], load: HttpLoad): Case[] {
  return kinds.map((kind) => ({ group, name: kind.label, run: () => runHttp(bench, kind, load) }));
}

export const http: Suite = {
  name: "http",
  title: "One event a request",
  about:
    `Each request brings one event of ${EVENT_BYTES} bytes, gets an id and two record headers, and is answered with a receipt once every in-sync ` +
    "replica has it. FastAPI answers before Kafka has the event; the bare server has nothing to do with Kafka at all.",
  unit: "event",
  chart: "bars",
  async cases(bench) {
    const kinds = [...bench.trees.map((tree) => serveOf(tree)), ...bench.baselines];
    const loads = await Promise.all([64, 512].map((connections) => oneEventLoad(bench, { connections })));
    return loads.flatMap((load) => inTurn(bench, `${load.connections} connections`, kinds, load));
  },
};
