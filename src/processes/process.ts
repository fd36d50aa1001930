/** One of the processes, started from the command's own entry file with the command's own arguments. */
import { type Place, type ToParent, type ToProcess, withPlace } from "./messages.ts";

export interface ProcessHooks {
  readonly onMessage: (message: ToParent) => void;
  /** Once. `code` is null where a signal ended it. */
  readonly onEnd: (code: number | null, signal: string | null) => void;
}

export interface Process {
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly send: (message: ToProcess) => void;
}

/**
 * One that wakes does not interrupt what runs, but waits for a core (SCHED_BATCH, sched(7)): where the processes take turns on the cores with
 * each other, librdkafka's threads and whatever else there is, each finds more to do when it is its turn. `chrt` is part of util-linux, which
 * nearly every Linux has; it becomes the process, with its id. Where it is missing, or may not, they do without.
 */
function patiently(): readonly string[] {
  const chrt = process.platform === "linux" ? Bun.which("chrt") : null;
  if (chrt === null) return [];
  const command = [chrt, "-b", "0"];
  return Bun.spawnSync([...command, "true"]).success ? command : [];
}

export type StartProcess = (place: Place, hooks: ProcessHooks) => Process;

export function startProcess(entry: string): StartProcess {
  const before = patiently();
  return (place, { onMessage, onEnd }) => {
    let isConnected = true;
    const child = Bun.spawn([...before, process.execPath, ...process.execArgv, entry, ...process.argv.slice(2)], {
      env: withPlace(process.env, place),
      stdio: ["ignore", "inherit", "inherit"],
      // A session of its own: a Ctrl-C comes through the parent, and so once.
      detached: true,
      ipc: (message) => onMessage(message as ToParent),
      onDisconnect: () => {
        isConnected = false;
      },
      onExit: (_, code, signal) => onEnd(code, signal === null ? null : String(signal)),
    });
    return {
      pid: child.pid,
      kill: (signal) => child.kill(signal),
      send(message) {
        // Where it is not, its end is on its way here.
        if (isConnected) child.send(message);
      },
    };
  };
}
