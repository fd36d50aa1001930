/** Shows a run's progress while it lasts: a bar on a terminal, a plain line a second elsewhere. It only reads the tally. */
import { SingleBar } from "cli-progress";
import { count } from "./report.ts";
import type { Tally } from "./tally.ts";

export interface Progress {
  /** Draws the last state and leaves the line. */
  stop(): void;
}

const BAR_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 1_000;

export function showProgress(stream: NodeJS.WriteStream, events: number, tally: Tally): Progress {
  return stream.isTTY ? showBar(stream, events, tally) : showLines(stream, events, tally);
}

function settled(tally: Tally): number {
  return tally.acked + tally.refused + tally.unknown;
}

function showBar(stream: NodeJS.WriteStream, events: number, tally: Tally): Progress {
  const bar = new SingleBar({
    stream,
    format:
      "{bar} {percentage}% {value}/{total} | refused {refused}, unknown {unknown} | {duration_formatted}, to go {eta_formatted}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    // The command has its own signal handling; the bar must not add to it.
    gracefulExit: false,
    hideCursor: null,
  });
  const state = () => ({ refused: tally.refused, unknown: tally.unknown });
  bar.start(events, 0, state());
  const timer = setInterval(() => bar.update(settled(tally), state()), BAR_INTERVAL_MS);
  return {
    stop() {
      clearInterval(timer);
      bar.update(settled(tally), state());
      bar.stop();
    },
  };
}

function showLines(stream: NodeJS.WriteStream, events: number, tally: Tally): Progress {
  let doneBefore = 0;
  let beforeMs = performance.now();
  const timer = setInterval(() => {
    const done = settled(tally);
    const nowMs = performance.now();
    const rate = Math.round(((done - doneBefore) * 1_000) / (nowMs - beforeMs));
    doneBefore = done;
    beforeMs = nowMs;
    stream.write(
      `simulate: ${count(done)} of ${count(events)} answered, ${count(rate)}/s; ` +
        `acked ${count(tally.acked)}, refused ${count(tally.refused)}, unknown ${count(tally.unknown)}\n`,
    );
  }, LINE_INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}
