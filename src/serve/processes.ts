/** serve as one of several processes: what it has to do with the others. */
import type { StopSignal } from "../command.ts";
import type { ListenOptions } from "../http/index.ts";
import type { Log } from "../log.ts";
import { mergedMetrics, type Registry } from "../metrics/index.ts";
import { type AllFigures, Link, type Place } from "../processes/index.ts";

interface Parts {
  readonly place: Place;
  readonly metrics: Registry;
  readonly stop: StopSignal;
  readonly log: Log;
}

/** Nobody knows which process a scrape will reach, so each answers for all of them. */
export function joinProcesses({ place, metrics, stop, log }: Parts) {
  const link = new Link({ place, figures: () => metrics.figures({ process: String(place.index) }), stop, log });
  return {
    announce: (server: { readonly url: string; readonly port: number }) => link.announce(server),
    response: async (): Promise<Response> => mergedMetrics((await link.allFigures()) as AllFigures),
  };
}

/** The first to come sees to it that nobody else has the port; a later one finds the others there. */
export function sharingOf(place: Place | undefined): ListenOptions["sharing"] {
  if (place === undefined) return "no";
  return place.port === undefined ? "begin" : "join";
}
