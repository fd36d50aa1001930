/**
 * One Java process of the cluster, a broker or ZooKeeper: started, awaited until it answers, stopped. It can be started again
 * on the same data. Where it dies at its start, the error carries the tail of its log.
 */
import { existsSync, readFileSync } from "node:fs";
import { indent, KafkaFailure, portIsTaken } from "./failure.ts";
import { isPortTaken } from "./ports.ts";
import { type GuardedProcess, isRunning, killProcess, spawnGuarded, stopProcess } from "./processes.ts";

const POLL_MS = 100;
const LOG_TAIL_LINES = 25;
/** A controlled shutdown hands leadership over and flushes: about a second. After this long it waits for a quorum that is gone. */
const STOP_GRACE_MS = 15_000;
const START_LIMIT_MS = 120_000;

export interface ServerPlan {
  /** How messages call it: "broker 1". */
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
  readonly logFile: string;
  /** Where its standard output and error go: what Java itself has to say. */
  readonly outputFile: string;
  /** Starts that may fail before one counts: see `Server.start`. */
  readonly attempts: number;
  /** Resolves to true once it does its work and sees at least `peers` brokers, itself among them; a rejection means "not yet". */
  readonly isHealthy: (peers: number) => Promise<boolean>;
}

export class Server {
  readonly plan: ServerPlan;
  #process: GuardedProcess | undefined;

  constructor(plan: ServerPlan) {
    this.plan = plan;
  }

  /** Its process, running or ended. */
  get process(): GuardedProcess {
    if (!this.#process) throw new Error(`${this.plan.name} was never started`);
    return this.#process;
  }

  isRunning(): boolean {
    return this.#process !== undefined && isRunning(this.#process);
  }

  /** Starts it, where it does not run already, and waits until it is healthy. */
  async start(peers = 1): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      if (!this.isRunning()) await this.#spawn();
      if (await this.#becomesHealthy(peers)) return;
      // A broker that was killed may find its own registration still in ZooKeeper, until that session ends.
      if (attempt >= this.plan.attempts) throw this.#failure("ended before it was ready");
    }
  }

  async #spawn(): Promise<void> {
    if (await isPortTaken(this.plan.port)) throw portIsTaken(this.plan.port);
    this.#process = spawnGuarded([...this.plan.command], this.plan.outputFile);
  }

  /** False when the process ended first. */
  async #becomesHealthy(peers: number): Promise<boolean> {
    const startedMs = performance.now();
    while (this.isRunning()) {
      if (await this.plan.isHealthy(peers).catch(() => false)) return true;
      if (performance.now() - startedMs > START_LIMIT_MS)
        throw this.#failure(`was not ready within ${START_LIMIT_MS / 1000} s`);
      await Bun.sleep(POLL_MS);
    }
    return false;
  }

  /** SIGTERM is a controlled shutdown, and SIGKILL after a deadline; returns when the process is gone. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM", graceMs = STOP_GRACE_MS): Promise<void> {
    if (!this.#process) return;
    if (signal === "SIGKILL") await killProcess(this.#process);
    else await stopProcess(this.#process, graceMs);
  }

  #failure(what: string): KafkaFailure {
    const { name, logFile, outputFile } = this.plan;
    const tails = [outputFile, logFile].map((file) => tail(file)).filter((text) => text !== "");
    return new KafkaFailure(
      `${name} ${what}. The end of its log (${logFile}):\n${indent(tails.join("\n") || "(empty)")}`,
    );
  }
}

function tail(file: string): string {
  if (!existsSync(file)) return "";
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
}
