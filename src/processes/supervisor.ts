/**
 * The processes: as many as asked for, each replaced when it dies. The first one opens the port, which fails where somebody has it, and
 * finds whatever else is wrong; then come the others. Until all of them listen, the end of one is the end of all: a mistake, which a new
 * attempt would repeat. After that, only too many deaths are.
 */
import { type Clock, systemClock } from "../clock.ts";
import type { StopSignal } from "../command.ts";
import type { Log } from "../log.ts";
import { Restarts } from "../restarts.ts";
import { FiguresDesk } from "./figures-desk.ts";
import type { ToParent } from "./messages.ts";
import type { Process, StartProcess } from "./process.ts";

export interface SupervisorOptions {
  readonly processes: number;
  readonly start: StartProcess;
  readonly stop: Pick<StopSignal, "whenRequested">;
  /** Once: all of them take requests. */
  readonly onReady: (url: string, pids: readonly number[]) => void;
  readonly log: Log;
  readonly restarts?: Restarts;
  readonly clock?: Clock;
}

interface Running {
  readonly index: number;
  readonly process: Process;
  readonly startedMs: number;
  isListening: boolean;
  /** A SIGHUP came before it could be heard. */
  isReloadDue: boolean;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #restarts: Restarts;
  readonly #clock: Clock;
  readonly #running = new Map<number, Running>();
  /** Replacements that wait for their time. */
  readonly #waiting = new Set<() => void>();
  readonly #desk: FiguresDesk;
  readonly #ended = Promise.withResolvers<number>();
  #port: number | undefined;
  #isReady = false;
  #stopSignal: NodeJS.Signals | undefined;
  #exitCode = 0;
  #replaced = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#restarts = options.restarts ?? new Restarts();
    this.#clock = options.clock ?? systemClock;
    this.#desk = new FiguresDesk(this.#clock);
    void options.stop.whenRequested.then((signal) => this.#stop(signal));
    this.#start(0);
  }

  /** The exit code of the whole, when none of them runs any more. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** Certificates are to be read again. */
  reload(): void {
    for (const running of this.#running.values()) {
      // What does not hear it yet, it would end.
      if (running.isListening) running.process.kill("SIGHUP");
      else running.isReloadDue = true;
    }
  }

  /** For an end that waits for nothing. */
  kill(): void {
    for (const { process } of this.#running.values()) process.kill("SIGKILL");
  }

  #start(index: number): void {
    const place = { index, of: this.#options.processes, port: this.#port };
    const process = this.#options.start(place, {
      onMessage: (message) => this.#onMessage(running, message),
      onEnd: (code, signal) => this.#onEnd(running, code, signal),
    });
    const running: Running = {
      index,
      process,
      startedMs: this.#clock.nowMs(),
      isListening: false,
      isReloadDue: false,
    };
    this.#running.set(index, running);
  }

  #onMessage(running: Running, message: ToParent): void {
    if (message.type === "figures") this.#desk.onFigures(running.process, message);
    else if (message.type === "listening") this.#onListening(running, message);
    else {
      const listening = [...this.#running.values()].filter(({ isListening }) => isListening);
      void this.#desk.collect(listening.map(({ process }) => process)).then((figures) =>
        running.process.send({
          type: "all_figures",
          id: message.id,
          figures,
          running: this.#running.size,
          replaced: this.#replaced,
        }),
      );
    }
  }

  #onListening(running: Running, { url, port }: Extract<ToParent, { type: "listening" }>): void {
    running.isListening = true;
    if (running.isReloadDue) running.process.kill("SIGHUP");
    const { processes, onReady, log } = this.#options;
    const isFirst = this.#port === undefined;
    this.#port ??= port;
    if (this.#stopSignal !== undefined) return;
    if (isFirst) for (let index = 1; index < processes; index++) this.#start(index);
    if (this.#isReady) log.info({ process: running.index, pid: running.process.pid }, "a process was replaced");
    else {
      const all = [...this.#running.values()];
      if (!all.every(({ isListening }) => isListening)) return;
      this.#isReady = true;
      onReady(
        url,
        all.map(({ process }) => process.pid),
      );
    }
  }

  #onEnd(running: Running, code: number | null, signal: string | null): void {
    const { log } = this.#options;
    this.#running.delete(running.index);
    this.#desk.onEnd(running.process);
    const fields = { process: running.index, pid: running.process.pid, exit_code: code, signal };
    if (this.#stopSignal !== undefined) {
      // Asked to end before it could hear it, it has taken no request either.
      const endedWell = code === 0 || (!running.isListening && signal === this.#stopSignal);
      if (!endedWell) {
        log.error(fields, "a process failed while it was stopping");
        this.#exitCode ||= code || 1;
      }
      this.#endIfEmpty();
    } else if (!this.#isReady) this.#fail(code || 1);
    else this.#replace(running, fields);
  }

  #replace({ index, startedMs }: Pick<Running, "index" | "startedMs">, fields: object): void {
    const { log } = this.#options;
    const delayMs = this.#restarts.onDeath(startedMs, this.#clock.nowMs());
    if (delayMs === undefined) {
      log.error(fields, "a process died, after too many others: stopping");
      this.#fail(1);
      return;
    }
    log.error({ ...fields, restart_delay_ms: delayMs }, "a process died and will be replaced");
    const cancel = this.#clock.after(delayMs, () => {
      this.#waiting.delete(cancel);
      try {
        this.#start(index);
        this.#replaced++;
      } catch (cause) {
        // No memory or no process to be had at the moment: the others go on.
        this.#replace({ index, startedMs: this.#clock.nowMs() }, { process: index, err: cause });
      }
    });
    this.#waiting.add(cancel);
  }

  #fail(exitCode: number): void {
    this.#exitCode = exitCode;
    this.#stop("SIGTERM");
  }

  /** Each of them is asked once. */
  #stop(signal: NodeJS.Signals): void {
    if (this.#stopSignal !== undefined) return;
    this.#stopSignal = signal;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
    for (const { process } of this.#running.values()) process.kill(signal);
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#running.size === 0) this.#ended.resolve(this.#exitCode);
  }
}
