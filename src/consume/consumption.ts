/** Workers, the writer, the log and its checkpoint, together from the topic that was found to the last line. */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Admin, GroupOffsets, Properties } from "../kafka/index.ts";
import type { Log } from "../log.ts";
import { consumeMetrics, MetricsServer } from "../metrics/index.ts";
import type { consumeOptions } from "../options/consume.ts";
import type { Values } from "../options/core.ts";
import { readFsync } from "../options/log-file.ts";
import { type Checkpoint, writeCheckpoint } from "./checkpoint.ts";
import { Closer } from "./closer.ts";
import { LiveLog } from "./live-log.ts";
import { Pool } from "./pool.ts";
import { Report } from "./report.ts";
import { startThread } from "./thread.ts";
import { type FoundTopic, readLag, TopicReplaced } from "./topic.ts";
import { within } from "./within.ts";
import type { HandlerSettings } from "./worker-messages.ts";
import { Writer } from "./writer.ts";

export interface ConsumeOptions extends Omit<Values<typeof consumeOptions>, "kafkaConfig"> {
  /** What `--kafka-config` came to. */
  readonly properties: Properties;
  readonly version: string;
}

/** What `runCommand` passes: somebody wants an end. */
export interface Stop {
  readonly requested: boolean;
  readonly whenRequested: Promise<unknown>;
}

const CHECKPOINT_MS = 3000;
/** Of the time that a stop has: for what was read to be written and committed; then for workers that have been told not to wait. */
const FINISH_SHARE = 0.7;
const ABANDON_SHARE = 0.15;
/** How long a stop waits for closed files to be finished, at the most; the next start does the rest. */
const CLOSING_MS = 3000;
const LAG_TIMEOUT_MS = 3000;
const FINAL_LAG_TIMEOUT_MS = 1000;

interface Parts {
  readonly options: ConsumeOptions;
  readonly stop: Stop;
  readonly log: Log;
  readonly admin: Admin;
  readonly groupOffsets: GroupOffsets;
  readonly logFile: string;
  readonly found: FoundTopic;
  readonly checkpoint: Checkpoint;
}

export class Consumption {
  readonly #parts: Parts;
  readonly #live: LiveLog;
  readonly #closer: Closer;
  readonly #writer: Writer;
  readonly #pool: Pool;
  readonly #report: Report;
  readonly #metrics: MetricsServer | undefined;
  readonly #checkpointTimer: Timer;
  readonly #isSynced: boolean;
  readonly #replaced = Promise.withResolvers<string>();
  #isFinal = false;

  constructor(parts: Parts) {
    const { options, log, found, logFile, checkpoint } = parts;
    this.#parts = parts;
    const isSynced = options.fsync !== "off";
    this.#isSynced = isSynced;
    this.#closer = new Closer(
      {
        logFile,
        identity: found.identity,
        compression: options.compress === "off" ? null : options.compress,
        keep: options.keep,
        isSynced,
      },
      log,
    );
    this.#live = new LiveLog({
      path: logFile,
      rotation: {
        maxBytes: options.rotateSize,
        intervalMs: options.rotateInterval === undefined ? undefined : options.rotateInterval * 1000,
      },
      isSynced,
      sequence: checkpoint.sequence,
      log,
      onBegun: (closed) => this.#onBegun(closed),
    });
    this.#writer = new Writer({
      file: this.#live,
      offsets: checkpoint.offsets,
      sync: readFsync(options.fsync) ?? "off",
      log,
    });
    const workers = Math.min(options.workers ?? availableParallelism(), found.partitions);
    log.info(
      {
        topic: found.identity.topic,
        partitions: found.partitions,
        workers,
        log_file: logFile,
      },
      "started",
    );
    // Where its address cannot be had, no worker has joined the group yet.
    this.#metrics = this.#listen();
    this.#pool = new Pool({
      workers,
      log,
      onLines: (lines, onWritten) => this.#writer.push(lines, onWritten),
      start: (hooks) =>
        startThread(
          {
            brokers: options.kafkaBrokers,
            group: options.kafkaGroup,
            topic: options.kafkaTopic,
            from: options.from,
            properties: options.properties,
            handler: handlerSettings(options),
          },
          hooks,
        ),
    });
    this.#report = new Report({
      totals: () => this.#writer.totals,
      workers: () => this.#pool,
      lag: () => this.#readLag(),
      log,
    });
    this.#report.start();
    this.#checkpointTimer = setInterval(() => void this.#tick(), CHECKPOINT_MS);
  }

  #listen(): MetricsServer | undefined {
    const { metricsPort: port, metricsHost: host, version } = this.#parts.options;
    if (port === undefined) return undefined;
    const registry = consumeMetrics({
      version,
      totals: () => this.#writer.totals,
      workers: () => this.#pool,
      lag: () => this.#report.lag,
      handling: () => this.#pool.handling,
      closedFiles: () => this.#live.sequence - this.#parts.checkpoint.sequence,
    });
    const server = new MetricsServer(registry, { host, port });
    this.#parts.log.info({ url: server.url }, `metrics at ${server.url}/metrics`);
    return server;
  }

  /** Between a file that was closed and the first line of the next. */
  #onBegun(closed: string | undefined): void {
    // Without it, a start would not know which file is which: then nothing that it needs may go.
    if (this.#writeCheckpoint(this.#state()) && closed !== undefined) this.#closer.start();
  }

  /** Lets go of a log file that was moved. */
  reopen(): void {
    try {
      this.#live.reopen();
    } catch (cause) {
      this.#parts.log.error({ error: (cause as Error).message }, "SIGHUP: the log file cannot be opened");
    }
  }

  /** Also while no lines come. */
  async #tick(): Promise<void> {
    try {
      this.#live.checkPath();
      this.#writer.rotateWhileIdle();
    } catch (cause) {
      this.#parts.log.warn({ error: (cause as Error).message }, "the log file cannot be looked after");
    }
    await this.#saveCheckpoint();
  }

  async run(): Promise<number> {
    const { stop, log } = this.#parts;
    const problem = await Promise.race([
      stop.whenRequested.then(() => undefined),
      this.#pool.failed,
      this.#replaced.promise,
      this.#writer.failed.then((error) => `the log file cannot be written: ${error.message}`),
    ]);
    if (problem !== undefined) log.fatal({ problem }, "consume cannot go on");
    const isWhole = await this.#finish();
    return problem === undefined && isWhole ? 0 : 1;
  }

  /** Workers first, then what they handed over, then the checkpoint. Whether everything that was read is written and committed. */
  async #finish(): Promise<boolean> {
    const { drainTimeoutMs } = this.#parts.options;
    const deadline = performance.now() + drainTimeoutMs;
    this.#pool.requestStop("finish");
    let isWhole = await within(
      FINISH_SHARE * drainTimeoutMs,
      this.#pool.empty.then(() => this.#writer.whenIdle()),
      this.#writer.failed,
    );
    isWhole &&= this.#pool.endedWell;
    if (!isWhole) {
      this.#parts.log.error(
        "not everything that was read could be written and committed; the next start reads the rest again",
      );
      this.#pool.requestStop("abandon");
      await within(ABANDON_SHARE * drainTimeoutMs, this.#pool.empty);
      if (this.#pool.running > 0) this.#parts.log.error({ workers: this.#pool.running }, "workers did not end in time");
    }
    clearInterval(this.#checkpointTimer);
    if (isWhole) isWhole = await this.#saveCheckpoint();
    this.#isFinal = true;
    const leftMs = () => deadline - performance.now();
    await within(Math.min(CLOSING_MS, leftMs() / 2), this.#closer.whenIdle());
    await within(leftMs(), this.#report.finish());
    this.#metrics?.stop();
    if (isWhole) this.#live.close();
    return isWhole;
  }

  /** Of one moment: taken between two appends. */
  #state(): Checkpoint {
    return {
      identity: this.#parts.found.identity,
      offsets: new Map(this.#writer.offsets),
      validBytes: this.#live.lengthBytes,
      file: this.#live.id,
      sequence: this.#live.sequence,
    };
  }

  /** It never says of the disk what is not there yet. */
  async #saveCheckpoint(): Promise<boolean> {
    const state = this.#state();
    if (!this.#isSynced) return this.#writeCheckpoint(state);
    try {
      await this.#live.sync();
    } catch (cause) {
      this.#parts.log.warn({ error: (cause as Error).message }, "the checkpoint could not be written");
      return false;
    }
    // A file that was begun meanwhile has had its own.
    return state.sequence === this.#live.sequence && state.file === this.#live.id ? this.#writeCheckpoint(state) : true;
  }

  #writeCheckpoint(state: Checkpoint): boolean {
    const { logFile, log } = this.#parts;
    try {
      writeCheckpoint(logFile, state, this.#isSynced);
      return true;
    } catch (cause) {
      // The one before still holds; more of the file is read at the next start.
      log.warn({ error: (cause as Error).message }, "the checkpoint could not be written");
      return false;
    }
  }

  async #readLag(): Promise<Map<number, number>> {
    const { admin, groupOffsets, options, found } = this.#parts;
    try {
      return await readLag(admin, groupOffsets, {
        identity: found.identity,
        from: options.from,
        offsets: this.#writer.offsets,
        timeoutMs: this.#isFinal ? FINAL_LAG_TIMEOUT_MS : LAG_TIMEOUT_MS,
      });
    } catch (cause) {
      if (cause instanceof TopicReplaced) this.#replaced.resolve(cause.message);
      throw cause;
    }
  }
}

function handlerSettings(options: ConsumeOptions): HandlerSettings | undefined {
  const { handler, handlerRetries: retries, handlerBackoffMs: backoffMs, handlerTimeoutMs: timeoutMs } = options;
  if (handler === undefined) return undefined;
  return { file: resolve(handler), deadLetterTopic: options.deadLetterTopic, retries, backoffMs, timeoutMs };
}
