/**
 * What every command's entry file has in common: `--help`, usage errors (exit 2), failures (exit 1), and signals.
 * An entry file names its options and its `run`; it contains nothing else.
 */
import { constants } from "node:os";
import { type OptionTable, parseOptions, UsageError, type Values } from "./options/core.ts";
import { helpText } from "./options/help.ts";

/**
 * One a process. The first SIGINT or SIGTERM asks for a stop. A second one exits at once with 128 + n, but only when it comes
 * more than 500 ms after the first: under `bun run`, one Ctrl-C reaches the child twice (process group, and forwarded).
 */
export interface StopSignal {
  readonly requested: boolean;
  readonly whenRequested: Promise<NodeJS.Signals>;
}

export interface Command<T extends OptionTable> {
  readonly name: string;
  /** One or two sentences for `--help`. */
  readonly about: string;
  readonly options: T;
  /** Resolves to the exit code. A thrown `UsageError` is exit 2, anything else thrown is exit 1 with its message. */
  readonly run: (options: Values<T>, stop: StopSignal) => Promise<number>;
}

const IMPATIENCE_MS = 500;

export async function runCommand<T extends OptionTable>(command: Command<T>): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes("--help") || argv.includes("-h")) {
    await Bun.write(Bun.stdout, helpText(`bun run ${command.name} [options]`, command.about, command.options));
    process.exit(0);
  }
  try {
    const options = parseOptions(command.options, argv, process.env);
    process.exit(await command.run(options, listenForStop()));
  } catch (cause) {
    const isUsage = cause instanceof UsageError;
    const hint = isUsage ? ` (bun run ${command.name} --help lists the options)` : "";
    process.stderr.write(`${command.name}: ${cause instanceof Error ? cause.message : String(cause)}${hint}\n`);
    process.exit(isUsage ? 2 : 1);
  }
}

function listenForStop(): StopSignal {
  let firstAt: number | undefined;
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      resolve(signal);
    } else if (now - firstAt > IMPATIENCE_MS) {
      process.exit(128 + constants.signals[signal]);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    get requested() {
      return firstAt !== undefined;
    },
    whenRequested: promise,
  };
}
