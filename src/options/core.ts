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
  /** Turns what the user wrote into the value, or throws an Error whose message completes "--flag …". One text, or many where `isRepeatable`. */
  readonly read: (...texts: string[]) => T;
  /** A switch: `--flag` alone means `true`. */
  readonly isSwitch: boolean;
  /** The flag may be given several times; the variable holds a value a line. */
  readonly isRepeatable: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds options of every type; `Values` recovers each one.
export type OptionTable = Readonly<Record<string, Option<any>>>;
export type Values<T extends OptionTable> = { readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never };

interface Common {
  readonly flag: string;
  readonly help: string;
}

function make<T>(common: Common, rest: Omit<Option<T>, keyof Common | "isSwitch" | "isRepeatable">): Option<T> {
  return { ...common, isSwitch: false, isRepeatable: false, ...rest };
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

/** Pieces of text, blank ones left out. What a piece has to be, whoever uses it checks: it may be a secret, and is not for an error. */
export function list(o: Common & { placeholder: string }): Option<readonly string[]> {
  return {
    ...o,
    isSwitch: false,
    isRepeatable: true,
    defaultValue: [],
    defaultText: "none",
    read: (...texts) => texts.filter((piece) => piece.trim() !== ""),
  };
}

/** On or off: `--flag` alone, or `FLAG=true|false` in the environment. */
export function onOff(o: Common): Option<boolean> {
  return {
    ...o,
    isSwitch: true,
    isRepeatable: false,
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
    const texts = given ?? fromVariable(option, environment[variable]);
    try {
      values[name] = texts === undefined ? option.defaultValue : option.read(...texts);
    } catch (cause) {
      throw new UsageError(`${source} ${(cause as Error).message}`);
    }
  }
  return values as Values<T>;
}

function fromVariable(option: Option<unknown>, value: string | undefined): string[] | undefined {
  // An empty variable counts as unset: that is how compose files and CI systems spell "not given".
  if (value === undefined || value === "") return undefined;
  return option.isRepeatable ? value.split(/\r?\n/) : [value];
}

function readFlags(table: OptionTable, argv: readonly string[]): Record<string, string[] | undefined> {
  const options: Record<string, { type: "string" | "boolean"; multiple: boolean }> = {};
  for (const { flag, isSwitch, isRepeatable } of Object.values(table))
    options[flag] = { type: isSwitch ? "boolean" : "string", multiple: isRepeatable };
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
    return Object.fromEntries(Object.entries(values).map(([flag, value]) => [flag, [value].flat().map(String)]));
  } catch (cause) {
    throw new UsageError(withoutValues((cause as Error).message, argv));
  }
}

/** An argument that went astray is quoted up to its "=": what follows may be a secret that was meant for `--kafka-config`. */
function withoutValues(message: string, argv: readonly string[]): string {
  const pairs = argv.filter((argument) => argument.includes("="));
  return pairs.reduce((text, pair) => text.replaceAll(pair, `${pair.slice(0, pair.indexOf("="))}=…`), message);
}
