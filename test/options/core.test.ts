/** The option machinery by itself: where a value comes from, what is refused and in which words, what `--help` prints. */
import { describe, expect, test } from "bun:test";
import {
  choice,
  environmentName,
  integer,
  integerOr,
  list,
  type OptionTable,
  onOff,
  parseOptions,
  text,
  textOr,
  UsageError,
} from "../../src/options/core.ts";
import { helpText } from "../../src/options/help.ts";

const table = {
  count: integer({ flag: "max-count", placeholder: "<count>", min: 1, max: 100, default: 7, help: "how many" }),
  seed: integerOr({ flag: "seed", placeholder: "<n>", min: 0, max: 9, defaultText: "drawn", help: "the seed" }),
  name: text({
    flag: "name",
    placeholder: "<name>",
    default: "ada",
    help: "who",
    check: (value) => (value.includes(" ") ? "must not hold a space" : undefined),
  }),
  file: textOr({ flag: "file", placeholder: "<path>", defaultText: "a new one", help: "where" }),
  from: choice({ flag: "from", choices: ["earliest", "latest"], default: "earliest", help: "where to start" }),
  json: onOff({ flag: "json", help: "as JSON" }),
};

const DEFAULTS = { count: 7, seed: undefined, name: "ada", file: undefined, from: "earliest", json: false } as const;

function parse(argv: readonly string[], environment: Readonly<Record<string, string | undefined>> = {}) {
  return parseOptions(table, argv, environment);
}

/** The sentence with which these are refused. */
function refusal(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  options: OptionTable = table,
): string {
  try {
    parseOptions(options, argv, environment);
  } catch (cause) {
    expect(cause).toBeInstanceOf(UsageError);
    return (cause as UsageError).message;
  }
  throw new Error(`${argv.join(" ")} was taken`);
}

describe("where a value comes from", () => {
  test("defaults, where nothing is given", () => {
    expect(parse([])).toEqual(DEFAULTS);
  });

  test("a flag wins over its variable, and that over the default", () => {
    expect(parse([], { MAX_COUNT: "8" }).count).toBe(8);
    expect(parse(["--max-count", "9"], { MAX_COUNT: "8" }).count).toBe(9);
    expect(parse(["--max-count=9"], { MAX_COUNT: "8" }).count).toBe(9);
  });

  test("a wrong variable does not matter where the flag is given", () => {
    expect(parse(["--max-count", "9"], { MAX_COUNT: "nonsense" }).count).toBe(9);
  });

  test("an empty variable counts as unset", () => {
    expect(parse([], { MAX_COUNT: "", SEED: "", NAME: "", FILE: "", FROM: "", JSON: "" })).toEqual(DEFAULTS);
  });

  test("a switch: alone by flag, in words by variable", () => {
    expect(parse(["--json"]).json).toBe(true);
    for (const [word, value] of [
      ["true", true],
      ["1", true],
      ["false", false],
      ["0", false],
    ] as const) {
      expect(parse([], { JSON: word }).json).toBe(value);
    }
    expect(parse(["--json"], { JSON: "false" }).json).toBe(true);
  });

  test("a variable is the flag in capitals", () => {
    expect(environmentName("kafka-brokers")).toBe("KAFKA_BROKERS");
  });

  test("of a flag given twice, the last counts", () => {
    expect(parse(["--from", "latest", "--from", "earliest"]).from).toBe("earliest");
  });
});

describe("an option that may be given several times", () => {
  const lists = { given: list({ flag: "given", placeholder: "<x>", help: "several" }) };
  const read = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    parseOptions(lists, argv, environment).given;

  test("each flag is a value as it stands; the variable holds one a line; flags win", () => {
    expect(read([])).toEqual([]);
    expect(read(["--given", "a,b=1", "--given=c\nd"])).toEqual(["a,b=1", "c\nd"]);
    expect(read([], { GIVEN: "a,b=1\r\n\n  \nc d\n" })).toEqual(["a,b=1", "c d"]);
    expect(read(["--given", "x"], { GIVEN: "y" })).toEqual(["x"]);
    expect(read([], { GIVEN: "" })).toEqual([]);
  });

  test("what went astray is quoted up to its equals sign only", () => {
    for (const argv of [["--given", "a=1", "sasl.password=hunter2"], ["--givn=hunter2"], ["--sasl.password=hunter2"]]) {
      const sentence = refusal(argv, {}, lists);
      expect(sentence).not.toContain("hunter2");
      expect(sentence).toContain(argv.at(-1)!.split("=")[0]!);
    }
  });
});

describe("what is refused", () => {
  test("an unknown flag, by name", () => {
    expect(refusal(["--max-cuont", "3"])).toContain("--max-cuont");
  });

  test("a stray argument, by name", () => {
    expect(refusal(["stray"])).toContain("stray");
  });

  test("a flag without its value, by name", () => {
    expect(refusal(["--max-count"])).toContain("--max-count");
    expect(refusal(["--name", "--json"])).toContain("--name");
  });

  test("a value for a switch", () => {
    expect(refusal(["--json=yes"])).toContain("--json");
    expect(refusal([], { JSON: "yes" })).toBe('JSON must be true or false, not "yes"');
  });

  test("a number out of range, at both ends", () => {
    const sentence = (value: string) => `--max-count must be a whole number from 1 to 100, not "${value}"`;
    expect(refusal(["--max-count", "0"])).toBe(sentence("0"));
    expect(refusal(["--max-count", "101"])).toBe(sentence("101"));
    expect(parse(["--max-count", "1"]).count).toBe(1);
    expect(parse(["--max-count", "100"]).count).toBe(100);
  });

  test.each(["", " ", "1.5", "1e1", "0x10", "ten", "5 ", "Infinity", "NaN", "9999999999999999"])(
    "%j for a whole number",
    (value) => {
      expect(refusal([`--max-count=${value}`])).toStartWith("--max-count must be a whole number");
    },
  );

  test("a negative number is out of range, not a flag, when it is tied to its own", () => {
    expect(refusal(["--seed=-1"])).toBe('--seed must be a whole number from 0 to 9, not "-1"');
  });

  test("a word that is not one of the choices", () => {
    expect(refusal(["--from", "Latest"])).toBe('--from must be one of earliest, latest, not "Latest"');
  });

  test("an empty text, and one that its own check refuses", () => {
    expect(refusal(["--name="])).toBe('--name must not be empty, not ""');
    expect(refusal(["--file="])).toContain("--file must not be empty");
    expect(refusal(["--name", "a b"])).toBe('--name must not hold a space, not "a b"');
  });

  test("a wrong variable is named as the variable", () => {
    expect(refusal([], { MAX_COUNT: "many" })).toBe('MAX_COUNT must be a whole number from 1 to 100, not "many"');
    expect(refusal([], { FROM: "now" })).toStartWith("FROM must be one of");
  });
});

describe("--help", () => {
  const help = helpText("bun run thing [options]", "Does a thing.", table);

  test("says usage, what the command does, and a line an option", () => {
    expect(help).toStartWith("bun run thing [options]\n\nDoes a thing.\n\n");
    expect(help).toEndWith("\n");
    const lines = help.trimEnd().split("\n").slice(4);
    expect(lines).toHaveLength(Object.keys(table).length);
    for (const [i, option] of Object.values(table).entries()) {
      expect(lines[i]).toStartWith(`  --${option.flag}`);
      expect(lines[i]).toContain(environmentName(option.flag));
      expect(lines[i]).toEndWith(`${option.help} (default: ${option.defaultText})`);
    }
  });

  test("shows what stands for the value, and nothing for a switch", () => {
    expect(help).toContain("--max-count <count>");
    expect(help).toContain("--from earliest|latest");
    expect(help).toMatch(/--json {2,}JSON/);
  });
});
