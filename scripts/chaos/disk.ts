/** A small disk that can be filled: a tmpfs of its own. Mounting one needs root, or sudo that asks for no password. */
import { closeSync, cpSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const SIZE = "32m";
const CHUNK = Buffer.alloc(64 * 1024, "x");

const mounted = new Set<SmallDisk>();

export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  /** Throws where it cannot be mounted. */
  constructor(path: string) {
    mkdirSync(path, { recursive: true });
    this.path = path;
    this.#ballast = join(path, "ballast");
    const owner = `uid=${process.getuid?.() ?? 0}`;
    const problem = asRoot(["mount", "-t", "tmpfs", "-o", `size=${SIZE},${owner}`, "sluice-chaos", path]);
    if (problem !== undefined) throw new Error(problem);
    mounted.add(this);
  }

  /** To the last byte, while others write. */
  fill(): void {
    const fd = openSync(this.#ballast, "a");
    try {
      for (let size = CHUNK.length; size > 0; ) {
        try {
          if (writeSync(fd, CHUNK, 0, size) < size) size = size >> 1;
        } catch (cause) {
          if ((cause as { code?: string }).code !== "ENOSPC") throw cause;
          size = size >> 1;
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** What is on it goes with it, unless it is wanted. */
  unmount({ keepsFiles = false } = {}): void {
    this.free();
    if (keepsFiles) cpSync(this.path, `${this.path}-as-it-was`, { recursive: true });
    if (mounted.delete(this)) asRoot(["umount", "-l", this.path]);
  }
}

/** For the end, however it comes. */
export function unmountAll(): void {
  for (const disk of [...mounted]) disk.unmount();
}

/** Why a small disk cannot be had here; undefined where it can. */
export function diskProblem(): string | undefined {
  if (process.platform !== "linux") return "a small tmpfs can only be mounted on Linux";
  if (process.getuid?.() === 0) return undefined;
  const sudo = Bun.which("sudo") && Bun.spawnSync(["sudo", "-n", "true"]).exitCode === 0;
  return sudo ? undefined : "mounting a small tmpfs needs root, or sudo without a password";
}

/** What went wrong. */
function asRoot(command: string[]): string | undefined {
  const whole = process.getuid?.() === 0 ? command : ["sudo", "-n", ...command];
  const run = Bun.spawnSync(whole, { stdout: "ignore", stderr: "pipe" });
  return run.exitCode === 0 ? undefined : run.stderr.toString().trim();
}
