/** A command of this project as a process of its own. Its log goes to a file; it is asked to stop with SIGTERM, then made to. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { consumeOptions } from "../options/consume.ts";
import { environmentName } from "../options/core.ts";
import { serveOptions } from "../options/serve.ts";
import { simulateOptions } from "../options/simulate.ts";

const STOP_TIMEOUT_MS = 20_000;
const root = join(import.meta.dir, "../..");

export interface ChildOptions {
  readonly command: "serve" | "consume" | "simulate";
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Where its standard error goes: a file, or this process's own. */
  readonly stderr: string | "inherit";
}

const OPTION_NAMES = new Set(
  [serveOptions, consumeOptions, simulateOptions].flatMap((table) =>
    Object.values(table).map(({ flag }) => environmentName(flag)),
  ),
);

/** What the person's shell sets for another serve or consume is not meant for these. */
function withoutOptions(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OPTION_NAMES.has(name)));
}

export class Child {
  readonly command: string;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly #process: Bun.Subprocess<"ignore", "pipe", number | "inherit">;

  constructor(options: ChildOptions) {
    this.command = options.command;
    const fd = options.stderr === "inherit" ? undefined : openSync(options.stderr, "w");
    this.#process = Bun.spawn([process.execPath, join(root, `src/${options.command}.ts`), ...options.args], {
      env: { ...withoutOptions(process.env), ...options.environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: fd ?? "inherit",
      // A session of its own: Ctrl-C reaches the demo, which stops its children in order.
      detached: true,
    });
    if (fd !== undefined) closeSync(fd);
    this.stdout = this.#process.stdout;
  }

  get exited(): Promise<number> {
    return this.#process.exited;
  }

  get hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Asks it to stop; after 20 s it is killed. Resolves to its exit code. */
  async stop(): Promise<number> {
    if (!this.hasExited) this.#process.kill("SIGTERM");
    const killer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    const code = await this.#process.exited;
    clearTimeout(killer);
    return code;
  }
}
