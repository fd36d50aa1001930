/**
 * `serve --processes N`: one parent, which only supervises, and N processes that serve, on one port. The system divides the connections
 * among them (SO_REUSEPORT); what is limited is divided beforehand (`shareOf`).
 */
import { join } from "node:path";
import type { StopSignal } from "../command.ts";
import { createLog } from "../log.ts";
import type { Values } from "../options/core.ts";
import { checkServe, type serveOptions } from "../options/serve.ts";
import { startProcess } from "./process.ts";
import { Supervisor } from "./supervisor.ts";

export { Link, type LinkOptions } from "./link.ts";
export { type AllFigures, type Figures, type Place, placeOf } from "./messages.ts";

/** Resolves to the exit code: 0 only where all of them ended well. */
export async function supervise(options: Values<typeof serveOptions>, stop: StopSignal): Promise<number> {
  checkServe(options);
  const { processes, kafkaBrokers, kafkaTopic } = options;
  const log = createLog("serve", options.logLevel);
  log.info({ processes, pid: process.pid }, "starting the processes");
  if (process.platform !== "linux")
    log.warn("only Linux divides a port's connections among processes: here one of them may get them all");
  const supervisor = new Supervisor({
    processes,
    start: startProcess(join(import.meta.dir, "../serve.ts")),
    stop,
    onReady: (url, pids) => log.info({ url, kafka: kafkaBrokers, topic: kafkaTopic, pids }, `listening on ${url}`),
    log,
  });
  if (options.tlsCert !== undefined) process.on("SIGHUP", () => supervisor.reload());
  // A second signal, for which `runCommand` waits for nobody. After any other end of the parent they stop in order by themselves.
  process.on("exit", (code) => {
    if (code > 128) supervisor.kill();
  });
  const exitCode = await supervisor.ended;
  log.info({ exit_code: exitCode }, "all processes have ended");
  return exitCode;
}
