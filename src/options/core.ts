/**
 * The option table's machinery: every option of every command is one `Option` in a table; flags, environment variables,
 * defaults, bounds, `--help` and the README's table all come from it. Values are checked once, here; nothing below a command
 * checks an option again.
 */
import { parseArgs } from "node:util";

/** A user's mistake on the command line or in the environment: the command ends with exit 2 and this sentence. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Option<T> {
  /** The flag without its dashes; the environment variable is the same in capitals. */
  readonly flag: string;
  readonly help: string;
  /** What stands for the value in `--help`: `<ms>`, `<path>`. Absent for switches. */
  readonly placeholder?: string;
  readonly defaultValue: T;
  /** How the default reads in `--help`, where the value itself does not say it ("adaptive"). */
  readonly defaultText: string;
  /** Turns what the user wrote into the value, or throws an Error whose message completes "--flag …". */
  readonly read: (text: string) => T;
  /** A switch: `--flag` alone means `true`. */
  readonly isSwitch: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds options of every type; `Values` recovers each one.
export type OptionTable = Readonly<Record<string, Option<any>>>;
export type Values<T extends OptionTable> = { readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never };

interface Common {
  readonly flag: string;
  readonly help: string;
}

function make<T>(common: Common, rest: Omit<Option<T>, keyof Common | "isSwitch">): Option<T> {
  return { ...common, isSwitch: false, ...rest };
}

/** A piece of text; `check` returns what is wrong with it ("must not be empty"), or nothing. */
export function text(
  o: Common & { default: string; placeholder: string; check?: (value: string) => string | undefined },
) {
  return make<string>(o, {
    placeholder: o.placeholder,
    defaultValue: o.default,
    defaultText: o.default === "" ? "none" : o.default,
    read(value) {
      const problem = value === "" ? "must not be empty" : o.check?.(value);
      if (problem) throw new Error(`${problem}, not ${JSON.stringify(value)}`);
      return value;
    },
  });
}

/** A piece of text that the program works out itself where it is not given; `defaultText` says how. */
export function textOr(
  o: Common & { defaultText: string; placeholder: string; check?: (value: string) => string | undefined },
) {
  return make<string | undefined>(o, {
    ...text({ ...o, default: "" }),
    defaultValue: undefined,
    defaultText: o.defaultText,
  });
}

interface NumberBounds {
  readonly min: number;
  readonly max: number;
  readonly placeholder: string;
}

function readInteger(value: string, o: NumberBounds): number {
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= o.min && number <= o.max)) {
    throw new Error(`must be a whole number from ${o.min} to ${o.max}, not ${JSON.stringify(value)}`);
  }
  return number;
}

export function integer(o: Common & NumberBounds & { default: number }) {
  return make<number>(o, {
    placeholder: o.placeholder,
    defaultValue: o.default,
    defaultText: String(o.default),
    read: (value) => readInteger(value, o),
  });
}

/** A whole number the program works out itself where it is not given; `defaultText` says how. */
export function integerOr(o: Common & NumberBounds & { defaultText: string }) {
  return make<number | undefined>(o, {
    placeholder: o.placeholder,
    defaultValue: undefined,
    defaultText: o.defaultText,
    read: (value) => readInteger(value, o),
  });
}

export function choice<const C extends string>(o: Common & { choices: readonly C[]; default: C }) {
  return make<C>(o, {
    placeholder: o.choices.join("|"),
    defaultValue: o.default,
    defaultText: o.default,
    read(value) {
      const found = o.choices.find((c) => c === value);
      if (found === undefined) throw new Error(`must be one of ${o.choices.join(", ")}, not ${JSON.stringify(value)}`);
      return found;
    },
  });
}

/** On or off: `--flag` alone, or `FLAG=true|false` in the environment. */
export function onOff(o: Common): Option<boolean> {
  return {
    ...o,
    isSwitch: true,
    defaultValue: false,
    defaultText: "off",
    read(value) {
      if (value === "true" || value === "1") return true;
      if (value === "false" || value === "0" || value === "") return false;
      throw new Error(`must be true or false, not ${JSON.stringify(value)}`);
    },
  };
}

export function environmentName(flag: string): string {
  return flag.replaceAll("-", "_").toUpperCase();
}

/**
 * Reads a command's options: a flag wins over its environment variable, which wins over the default.
 * Throws `UsageError` for an unknown flag, a stray argument or a value out of range or of the wrong type.
 */
export function parseOptions<T extends OptionTable>(
  table: T,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Values<T> {
  const flags = readFlags(table, argv);
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const variable = environmentName(option.flag);
    const given = flags[option.flag];
    const source = given !== undefined ? `--${option.flag}` : variable;
    // An empty variable counts as unset: that is how compose files and CI systems spell "not given".
    const value = given ?? (environment[variable] === "" ? undefined : environment[variable]);
    try {
      values[name] = value === undefined ? option.defaultValue : option.read(value);
    } catch (cause) {
      throw new UsageError(`${source} ${(cause as Error).message}`);
    }
  }
  return values as Values<T>;
}

function readFlags(table: OptionTable, argv: readonly string[]): Record<string, string | undefined> {
  const options: Record<string, { type: "string" | "boolean" }> = {};
  for (const option of Object.values(table)) options[option.flag] = { type: option.isSwitch ? "boolean" : "string" };
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [flag, String(value)]));
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
}

/** The text of `--help`: what the command does, then a line an option. */
export function helpText(usage: string, about: string, table: OptionTable): string {
  const rows = Object.values(table).map((o) => ({
    left: `--${o.flag}${o.placeholder && !o.isSwitch ? ` ${o.placeholder}` : ""}`,
    variable: environmentName(o.flag),
    right: `${o.help} (default: ${o.defaultText})`,
  }));
  const width = (key: "left" | "variable") => Math.max(...rows.map((row) => row[key].length));
  const [left, variable] = [width("left"), width("variable")];
  const lines = rows.map((row) => `  ${row.left.padEnd(left)}  ${row.variable.padEnd(variable)}  ${row.right}`);
  return `${usage}\n\n${about}\n\n${lines.join("\n")}\n`;
}
