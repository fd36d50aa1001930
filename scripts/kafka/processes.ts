/**
 * Processes that outlive the command that starts them: how one is recognised later, stopped, and tied to its starter meanwhile.
 * A process is its pid together with the moment it started, so that a pid the system gave to somebody else is never signalled.
 */
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

const POLL_MS = 25;
const HALT_POLL_MS = 1;
const KILL_LIMIT_MS = 10_000;

export interface KnownProcess {
  readonly pid: number;
  /** Opaque; differs between two processes that had the same pid. */
  readonly started: string;
}

/** When the process with this pid started, in the system's own terms; undefined when none runs (a zombie does not). */
export function processStart(pid: number): string | undefined {
  return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
}

function startFromProc(pid: number): string | undefined {
  try {
    const fields = statFields(readFileSync(`/proc/${pid}/stat`, "latin1"));
    // A zombie whose other threads are still ending has its ports and files open yet.
    if ((fields[0] === "Z" || fields[0] === "X") && readdirSync(`/proc/${pid}/task`).length <= 1) return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return `${boot}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

/**
 * The fields of a /proc/PID/stat (proc_pid_stat(5)) from the third on, the state: the command's name before it stands in parentheses and
 * may hold anything.
 */
export function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function startFromPs(pid: number): string | undefined {
  const run = Bun.spawnSync(["ps", "-o", "stat=,lstart=", "-p", String(pid)], { env: { ...process.env, LC_ALL: "C" } });
  const [state = "", ...started] = run.stdout.toString().trim().split(/\s+/);
  return run.exitCode === 0 && state !== "" && !state.startsWith("Z") ? started.join(" ") : undefined;
}

export function isRunning(known: KnownProcess): boolean {
  return processStart(known.pid) === known.started;
}

/** SIGTERM, SIGKILL once `graceMs` are over; returns when the process is gone. */
export async function stopProcess(known: KnownProcess, graceMs: number): Promise<void> {
  signal(known, "SIGTERM");
  if (!(await isGoneWithin(known, graceMs))) await killProcess(known);
}

/** SIGKILL; returns when the process is gone. */
export async function killProcess(known: KnownProcess): Promise<void> {
  signal(known, "SIGKILL");
  if (!(await isGoneWithin(known, KILL_LIMIT_MS))) throw new Error(`process ${known.pid} is still there after SIGKILL`);
}

/**
 * SIGSTOP; returns when all of its threads stand still. The signal alone is a wish: on a busy machine a thread may run on for many
 * milliseconds, long enough to answer somebody. Throws where it is gone, or does not stand still in time (it runs on then).
 */
export async function haltProcess(known: KnownProcess): Promise<void> {
  signal(known, "SIGSTOP");
  for (const startedMs = performance.now(); ; await Bun.sleep(HALT_POLL_MS)) {
    const isStill = standsStill(known.pid);
    // Asked last: threads of one that ends meanwhile look still, too.
    if (!isRunning(known)) throw new Error(`process ${known.pid} is gone`);
    if (isStill) return;
    if (performance.now() - startedMs <= KILL_LIMIT_MS) continue;
    resumeProcess(known);
    throw new Error(`process ${known.pid} does not stand still after SIGSTOP`);
  }
}

/** SIGCONT. */
export function resumeProcess(known: KnownProcess): void {
  signal(known, "SIGCONT");
}

function standsStill(pid: number): boolean {
  if (process.platform !== "linux") {
    const run = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)]);
    return run.stdout.toString().trim().startsWith("T");
  }
  const threads = orUndefined(() => readdirSync(`/proc/${pid}/task`));
  return threads?.every((thread) => threadStandsStill(`/proc/${pid}/task/${thread}/stat`)) ?? false;
}

/** Stopped, or gone. */
function threadStandsStill(statFile: string): boolean {
  const fields = orUndefined(() => statFields(readFileSync(statFile, "latin1")));
  return fields === undefined || /^[TtZX]/.test(fields[0]!);
}

/** What is read of a process that may be gone. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function signal(known: KnownProcess, name: NodeJS.Signals): void {
  if (!isRunning(known)) return;
  try {
    process.kill(known.pid, name);
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ESRCH") throw cause;
  }
}

async function isGoneWithin(known: KnownProcess, limitMs: number): Promise<boolean> {
  // Polled, since the process may not be our child: `down` stops what an earlier `up` started.
  for (const startedMs = performance.now(); isRunning(known); await Bun.sleep(POLL_MS)) {
    if (performance.now() - startedMs > limitMs) return false;
  }
  return true;
}

/**
 * A process started here, in a session of its own (a Ctrl-C in the terminal does not reach it), whose output goes to a file.
 * Until `release()` it cannot outlive this process: a guard, a shell, reads from a pipe whose other end only this process has,
 * and sends SIGKILL when the pipe ends. The kernel ends it also when this process is killed with SIGKILL.
 */
export interface GuardedProcess extends KnownProcess {
  /** Its exit code; 128 + n where a signal ended it. */
  readonly exited: Promise<number>;
  /** Lets it live on after this process. */
  release(): void;
}

const GUARD = `trap '' HUP INT TERM; read -r _; kill -KILL "$1"`;

/** Guards that are on duty: kept here, because a pipe that is garbage-collected ends. */
const guards = new Set<Bun.Subprocess<"pipe", "ignore", "ignore">>();

export function spawnGuarded(
  command: string[],
  outputFile: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): GuardedProcess {
  const output = openSync(outputFile, "a");
  const child = Bun.spawn(command, { env, detached: true, stdin: "ignore", stdout: output, stderr: output });
  closeSync(output);
  const guard = Bun.spawn(["/bin/sh", "-c", GUARD, "guard", String(child.pid)], {
    detached: true,
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  guards.add(guard);
  const dismiss = () => {
    if (guards.delete(guard)) guard.kill("SIGKILL");
  };
  void child.exited.then(dismiss);
  const started = processStart(child.pid) ?? "ended at once";
  const release = () => {
    dismiss();
    child.unref();
  };
  return { pid: child.pid, started, exited: child.exited, release };
}
