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

export type StartProcess = (place: Place, hooks: ProcessHooks) => Process;

export function startProcess(entry: string): StartProcess {
  return (place, { onMessage, onEnd }) => {
    let isConnected = true;
    const child = Bun.spawn([process.execPath, ...process.execArgv, entry, ...process.argv.slice(2)], {
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
