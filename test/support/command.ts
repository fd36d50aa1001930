/** A command of this project as a real process, for tests: started, read, signalled, and never left behind. */
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

export interface StartOptions {
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Through `bun run NAME`, as a user would, instead of directly. */
  readonly throughBunRun?: boolean;
}

/** Variables of the person who runs the tests must not change what is tested. */
const CLEAN: Record<string, string | undefined> = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(KAFKA_|API_KEYS$|OPEN$|CORS_|TLS_|SCHEMAS|DEAD_LETTER|TOPICS$|ACK$|KEY_MEMBER$|HOST$|PORT$|LOG_|DEDUPE_|FILED_|DRAIN_|MAX_|SPOOL|METRICS_|EVENTS$|WORKERS$|PROCESSES$|SLUICE_PROCESS$|FROM$|FSYNC$|ROTATE_|KEEP$|COMPRESS$|HANDLER|COMPLETE$|ALLOW_GAPS$|JSON$|URL$|SEED$|RATE$)/.test(
        name,
      ),
  ),
);

const running = new Set<CommandProcess>();

export class CommandProcess {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  #stderr = "";
  #stdout = "";
  readonly #readers: Promise<unknown>;
  #onOutput = () => {};

  constructor(name: string, options: StartOptions = {}) {
    const { args = [], environment = {}, throughBunRun = false } = options;
    const command = throughBunRun ? [process.execPath, "run", name] : [process.execPath, join(root, `src/${name}.ts`)];
    this.#process = Bun.spawn([...command, ...args], {
      cwd: root,
      env: { ...CLEAN, ...environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // A session of its own, so that the process group can be signalled without the test runner in it.
      detached: true,
    });
    this.#readers = Promise.all([
      this.#read(this.#process.stderr, (text) => (this.#stderr += text)),
      this.#read(this.#process.stdout, (text) => (this.#stdout += text)),
    ]);
    running.add(this);
  }

  async #read(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      add(decoder.decode(chunk, { stream: true }));
      this.#onOutput();
    }
    this.#onOutput();
  }

  get pid(): number {
    return this.#process.pid;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** The first match in its log; rejects where it ends, or `timeoutMs` passes, without one. */
  async logged(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const fail = (why: string) => reject(new Error(`${why} before ${pattern} was logged:\n${this.#stderr}`));
    const look = () => {
      const match = pattern.exec(this.#stderr);
      if (match) resolve(match);
    };
    const previous = this.#onOutput;
    this.#onOutput = () => {
      previous();
      look();
    };
    const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
    this.#readers.then(() => fail("the process ended"));
    look();
    return promise.finally(() => clearTimeout(timer));
  }

  signal(signal: NodeJS.Signals, { toGroup = false } = {}): void {
    process.kill(toGroup ? -this.pid : this.pid, signal);
  }

  /** Its exit code, once all it wrote is read; 128 + n where a signal ended it. */
  async ended(timeoutMs = 30_000): Promise<number> {
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const timer = setTimeout(() => resolve("late"), timeoutMs);
    const code = await Promise.race([this.#process.exited, late]);
    clearTimeout(timer);
    if (code === "late") {
      this.kill();
      throw new Error(`the process did not end within ${timeoutMs} ms:\n${this.#stderr}`);
    }
    await this.#readers;
    running.delete(this);
    return code;
  }

  /** SIGKILL to it and to what it started. */
  kill(): void {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    running.delete(this);
  }
}

/** For `afterEach`: whatever a failed test left is ended. */
export function killLeftovers(): void {
  for (const command of [...running]) command.kill();
}

/** The address of a serve that has just been started. */
export async function urlOf(serve: CommandProcess): Promise<string> {
  return (await serve.logged(/"url":"(http[^"]+)"/))[1]!;
}
