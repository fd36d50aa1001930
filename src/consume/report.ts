/** The line that says how it goes: every `REPORT_MS` and at the end. Never throws; without an answer from Kafka the lag is null. */
import type { Log } from "../log.ts";
import type { HandlerCounts } from "./handler-runner.ts";
import type { WriterTotals } from "./writer.ts";

export const REPORT_MS = 10_000;

export interface ReportSources {
  readonly totals: () => Readonly<WriterTotals>;
  readonly lag: () => Promise<ReadonlyMap<number, number>>;
  readonly workers: () => { readonly running: number; readonly replaced: number; readonly handling: HandlerCounts };
  readonly log: Log;
  readonly nowMs?: () => number;
}

export class Report {
  readonly #sources: ReportSources;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #lastMs: number;
  #last = { lines: 0, bytes: 0 };
  #timer: Timer | undefined;
  #isAsking = false;
  /** By partition, as of the last answer. */
  lag: ReadonlyMap<number, number> = new Map();

  constructor(sources: ReportSources) {
    this.#sources = sources;
    this.#nowMs = sources.nowMs ?? (() => performance.now());
    this.#startedMs = this.#lastMs = this.#nowMs();
  }

  start(): void {
    this.#timer = setInterval(() => void this.#writeNext(), REPORT_MS);
  }

  /** One more line, for the whole time. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await this.#write("finished", this.#startedMs, { lines: 0, bytes: 0 });
  }

  async #writeNext(): Promise<void> {
    // Kafka takes its time: the next line then covers both.
    if (this.#isAsking) return;
    this.#isAsking = true;
    await this.#write("progress", this.#lastMs, this.#last).finally(() => {
      this.#isAsking = false;
    });
  }

  async #write(
    message: string,
    sinceMs: number,
    since: { readonly lines: number; readonly bytes: number },
  ): Promise<void> {
    const { log, totals, lag, workers } = this.#sources;
    const nowMs = this.#nowMs();
    const { lines, bytes, suppressedLines } = totals();
    this.#lastMs = nowMs;
    this.#last = { lines, bytes };
    const seconds = Math.max(0.001, (nowMs - sinceMs) / 1000);
    const partitions = await lag().catch(() => null);
    this.lag = partitions ?? this.lag;
    log.info(
      {
        lines_per_s: Math.round((lines - since.lines) / seconds),
        bytes_per_s: Math.round((bytes - since.bytes) / seconds),
        lag: partitions && Object.fromEntries(partitions),
        lag_total: partitions && Array.from(partitions.values()).reduce((sum, records) => sum + records, 0),
        lines,
        bytes,
        suppressed_lines: suppressedLines,
        workers: workers().running,
        restarts: workers().replaced,
        handled: workers().handling.handled,
        handler_retries: workers().handling.retries,
        dead_lettered: workers().handling.deadLettered,
      },
      message,
    );
  }
}
