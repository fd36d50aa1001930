/** A process that is measured: started with a clean environment, its log read on, stopped, and never left behind. */
import { atEnd } from "./at-end.ts";
import { BenchFailure } from "./failure.ts";

/** What is passed on; the options of whoever runs the benchmark are not to change what is measured. */
const PASSED_ON = /^(?:PATH|HOME|TMPDIR|LANG|LC_.*|XDG_CACHE_HOME|SLUICE_CACHE|LIBRDKAFKA_PATH|JAVA_HOME)$/;
const LOG_CHARACTERS = 20_000;

export function cleanEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => PASSED_ON.test(entry[0]) && !!entry[1]),
  );
}

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class Child {
  readonly name: string;
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #forget: () => void;
  /** Its standard output, whole. */
  readonly output: Promise<string>;
  #log = "";
  readonly #onLog = new Set<() => void>();

  constructor({ name, command, environment = {}, cwd }: ChildOptions) {
    this.name = name;
    this.#process = Bun.spawn([...command], {
      ...(cwd !== undefined && { cwd }),
      env: { ...cleanEnvironment(), ...environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#forget = atEnd(() => this.#process.kill("SIGKILL"));
    this.output = this.#process.stdout.text();
    void this.#readLog();
  }

  async #readLog(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      this.#log = (this.#log + decoder.decode(chunk, { stream: true })).slice(-LOG_CHARACTERS);
      for (const look of this.#onLog) look();
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The end of what it wrote on standard error. */
  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** The first match in its log. */
  async logged(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const fail = (why: string) => reject(new BenchFailure(`${this.name} ${why}:\n${this.#log.slice(-2000)}`));
    const look = () => {
      const match = pattern.exec(this.#log);
      if (match) resolve(match);
    };
    this.#onLog.add(look);
    look();
    const timer = setTimeout(() => fail(`did not say ${pattern} within ${timeoutMs / 1000} s`), timeoutMs);
    void this.#process.exited.then((code) => fail(`ended with ${code} before it said ${pattern}`));
    return promise.finally(() => {
      this.#onLog.delete(look);
      clearTimeout(timer);
    });
  }

  /** Its exit code, and the CPU time of its whole life. */
  async ended(): Promise<{ code: number; cpuMs: number }> {
    const code = await this.#process.exited;
    this.#forget();
    return { code, cpuMs: Number(this.#process.resourceUsage()?.cpuTime.total ?? 0n) / 1000 };
  }

  /** SIGTERM; its exit code. SIGKILL where that takes longer than half a minute. */
  async stop(): Promise<number> {
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 30_000);
    const { code } = await this.ended();
    clearTimeout(timer);
    return code;
  }
}

/** Runs a command that prints JSON, to its end. */
export async function runForJson<T>(options: ChildOptions): Promise<{ value: T; cpuMs: number }> {
  const child = new Child(options);
  const [output, { code, cpuMs }] = await Promise.all([child.output, child.ended()]);
  if (code !== 0)
    throw new BenchFailure(`${options.name} ended with ${code}:\n${child.log.slice(-2000)}${output.slice(-500)}`);
  return { value: JSON.parse(output) as T, cpuMs };
}
