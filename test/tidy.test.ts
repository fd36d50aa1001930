/**
 * The house rules that a compiler does not keep: which part may import which, that files say what they are for, that tests test.
 * The table `MAY_IMPORT` is the import direction; a new part of `src` has to be entered there.
 */
import { describe, expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";
import packageJson from "../package.json" with { type: "json" };

const root = join(import.meta.dir, "..");
const SOURCE_LINES_MAX = 300;

/** What each part of `src` may import of the others. A part is a folder, or a file beside them. Commands may import everything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // Leaves
  cache: [],
  clock: [],
  json: [],
  log: [],
  outcome: [],
  "oldest-first": [],
  restarts: [],
  options: [],
  command: ["options"],
  // The way in
  event: ["json"],
  ingest: ["clock", "log", "oldest-first", "outcome"],
  schemas: ["log"],
  http: ["clock", "event", "ingest", "json", "log", "oldest-first", "options", "outcome"],
  // The way to Kafka
  kafka: ["cache", "outcome"],
  "kafka-config": ["kafka", "options"],
  // The way out
  consume: ["clock", "json", "kafka", "log", "metrics", "options", "restarts"],
  verify: ["consume", "json", "kafka", "kafka-config", "command", "log", "options"],
  // Around them
  metrics: [],
  processes: ["clock", "command", "log", "options", "restarts"],
  serve: [
    "command",
    "http",
    "ingest",
    "kafka",
    "kafka-config",
    "log",
    "metrics",
    "options",
    "processes",
    "schemas",
    "spool",
  ],
  spool: ["clock", "log"],
  simulate: ["clock", "options"],
  demo: ["command", "consume", "kafka", "options", "simulate"],
};

/** Which part knows which package; what is not here, no part of `src` may import. Node's and Bun's own modules are free. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  elysia: ["http"],
  "@elysiajs/openapi": ["http"],
  ajv: ["schemas"],
  "ajv-formats": ["schemas"],
  "@sinclair/typebox": ["event", "http"],
  "@confluentinc/kafka-javascript": ["kafka"],
  limiter: ["http"],
  "cli-progress": ["simulate"],
  "hdr-histogram-js": ["simulate"],
  pino: ["log"],
  "prom-client": ["metrics"],
  "@node-rs/crc32": ["consume"],
};

interface SourceFile {
  /** From the project's folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

async function filesIn(...patterns: readonly string[]): Promise<SourceFile[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    for await (const path of new Bun.Glob(pattern).scan({ cwd: root, dot: true }))
      paths.add(path.replaceAll("\\", "/"));
  }
  return Promise.all([...paths].sort().map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })));
}

// `import type` too, which Bun.Transpiler.scanImports leaves out; and workers, which are started by address.
const SPECIFIERS = [
  /\bfrom\s+"([^"]+)"/g,
  /\bimport\s+"([^"]+)"/g,
  /\bimport\(\s*"([^"]+)"/g,
  /new URL\("([^"]+\.ts)", import\.meta\.url\)/g,
];

function importsOf(file: SourceFile): string[] {
  return SPECIFIERS.flatMap((pattern) => [...file.text.matchAll(pattern)].map((match) => match[1]!)).map((specifier) =>
    specifier.startsWith(".")
      ? relative(root, join(root, dirname(file.path), specifier)).replaceAll("\\", "/")
      : specifier,
  );
}

/** "kafka" for src/kafka/native/queue.ts, "log" for src/log.ts; undefined outside `src`. */
function partOf(path: string): string | undefined {
  return /^src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path)?.[1];
}

const source = await filesIn("src/**/*.ts");
const scripts = await filesIn("scripts/**/*.ts");
const tests = await filesIn("test/**/*.ts");
const isCommand = (file: SourceFile) => /^src\/[^/]+\.ts$/.test(file.path) && file.text.includes("await runCommand(");

function violations(
  files: readonly SourceFile[],
  problem: (file: SourceFile, imported: string) => string | undefined,
): string[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((imported) => {
      const found = problem(file, imported);
      return found === undefined ? [] : [`${file.path} imports ${imported}: ${found}`];
    }),
  );
}

describe("the import direction", () => {
  test("the parser sees every kind of import", () => {
    const text = [
      'import a from "./a.ts";',
      'import type { B } from "../b.ts";',
      'export { c } from "./c.ts";',
      'import {\n  d,\n} from "./d.ts";',
      'await import("./e.ts");',
      'new Worker(new URL("./f.ts", import.meta.url));',
      'import "./g.ts";',
    ].join("\n");
    const found = importsOf({ path: "src/x/y.ts", text });
    expect(found.sort()).toEqual(["src/b.ts", ..."acdefg".split("").map((name) => `src/x/${name}.ts`)].sort());
  });

  test("every part of src is in the table, or is a command", () => {
    const unknown = source.filter((file) => !isCommand(file) && MAY_IMPORT[partOf(file.path)!] === undefined);
    expect(unknown.map(({ path }) => path)).toEqual([]);
    const parts = new Set(source.map(({ path }) => partOf(path)));
    expect(Object.keys(MAY_IMPORT).filter((part) => !parts.has(part))).toEqual([]);
  });

  test("a part imports only what the table allows", () => {
    const found = violations(source, (file, imported) => {
      const [from, to] = [partOf(file.path), partOf(imported)];
      if (to === undefined || from === to || isCommand(file)) return undefined;
      return MAY_IMPORT[from!]?.includes(to)
        ? undefined
        : `${from} may import ${MAY_IMPORT[from!]?.join(", ") || "nothing"}`;
    });
    expect(found).toEqual([]);
  });

  test("src imports neither scripts nor tests, and scripts import no tests", () => {
    const outward = /^(?:scripts|test)\//;
    expect(violations(source, (_, imported) => (outward.test(imported) ? "src stands alone" : undefined))).toEqual([]);
    expect(
      violations(scripts, (_, imported) => (imported.startsWith("test/") ? "tests are for tests" : undefined)),
    ).toEqual([]);
  });

  test("a package is known to the parts that the table names", () => {
    const found = violations(source, (file, imported) => {
      if (/^(?:src\/|package\.json$|node:|bun(?::|$))/.test(imported)) return undefined;
      const name = /^(?:@[^/]+\/)?[^/]+/.exec(imported)![0];
      return PACKAGES[name]?.includes(partOf(file.path)!)
        ? undefined
        : `${name} is for ${PACKAGES[name]?.join(", ") ?? "nobody"}`;
    });
    expect(found).toEqual([]);
  });

  test("a folder that has an index.ts is entered through it", () => {
    const doors = new Set(source.filter(({ path }) => path.endsWith("/index.ts")).map(({ path }) => dirname(path)));
    const found = violations([...source, ...scripts], (file, imported) => {
      // Whoever looks for the library before it is there has no use for a door that opens it.
      if (file.path === "scripts/librdkafka.ts" && imported === "src/kafka/native/library.ts") return undefined;
      for (let folder = dirname(imported); folder !== "src" && folder !== "."; folder = dirname(folder)) {
        if (!doors.has(folder) || file.path.startsWith(`${folder}/`)) continue;
        if (imported !== `${folder}/index.ts`) return `the door of ${folder} is its index.ts`;
      }
      return undefined;
    });
    expect(found).toEqual([]);
  });

  test("the native layer is for src/kafka only, and nothing else knows bun:ffi", () => {
    const found = violations([...source, ...scripts], (file, imported) => {
      if (imported === "bun:ffi")
        return file.path.startsWith("src/kafka/native/") ? undefined : "pointers stay in src/kafka/native";
      if (!imported.startsWith("src/kafka/native/") || file.path.startsWith("src/kafka/")) return undefined;
      return file.path === "scripts/librdkafka.ts" ? undefined : "src/kafka/index.ts is the door";
    });
    expect(found).toEqual([]);
  });
});

describe("the style", () => {
  test("every source file begins by saying what it is for", () => {
    const silent = [...source, ...scripts].filter(({ text }) => !/^(?:#!.*\n)?\/(?:\*\*?|\/)\s*\S/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test(`no source file is longer than ${SOURCE_LINES_MAX} lines`, () => {
    const long = [...source, ...scripts].filter(({ text }) => text.trimEnd().split("\n").length > SOURCE_LINES_MAX);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test("no file has a name that says nothing", () => {
    const empty = [...source, ...scripts, ...tests].filter(({ path }) =>
      /\/(?:utils?|helpers?|misc|stuff)\.ts$/.test(path),
    );
    expect(empty.map(({ path }) => path)).toEqual([]);
  });

  test("`any` stands in one place, with its reason", () => {
    const uses = [...source, ...scripts, ...tests].flatMap(({ path, text }) =>
      text
        .split("\n")
        .filter(
          (line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && /(?::|\bas|<|,)\s*any\b(?![\w ]*["'`])|\bany\[\]/.test(line),
        )
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(uses).toHaveLength(1);
    expect(uses[0]).toStartWith("src/options/core.ts: export type OptionTable");
  });

  test("no file names a machine's own folders or a package registry", async () => {
    const all = await filesIn(
      "*.{md,json,toml,yml,lock}",
      "Dockerfile",
      ".ci/*",
      "{src,scripts,test,docs}/**/*.{ts,md,json}",
    );
    expect(all.length).toBeGreaterThan(100);
    const machine =
      /(?<![\w.$}~])[/](?:root|work|home|Users)[/]|(?:registry|mirror|proxy)\.[\w-]+\.\w|[/](?:nexus|artifactory)[/]|repo1?\.maven/;
    const found = all.flatMap(({ path, text }) =>
      text
        .split("\n")
        .flatMap((line, i) =>
          machine.test(line) && !path.endsWith("tidy.test.ts") ? [`${path}:${i + 1}: ${line.trim()}`] : [],
        ),
    );
    expect(found).toEqual([]);
  });
});

describe("the tests", () => {
  const suites = tests.filter(({ path }) => path.endsWith(".test.ts"));

  test("every test file asserts something", () => {
    expect(suites.filter(({ text }) => !text.includes("expect(")).map(({ path }) => path)).toEqual([]);
  });

  test("none is skipped, left to do, expected to fail or run alone", () => {
    // A platform may lack what a test looks at; a machine that lacks something is told what to install.
    const modifiers = /\b(?:test|it|describe)\.(?:skip|skipIf(?!\(isMac\b)|todo|todoIf|only|if|failing)\b/;
    expect(suites.filter(({ text }) => modifiers.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("other files in the test folder are what tests share, or are run by them, or by a script of their own", () => {
    const scripts = Object.values(packageJson.scripts);
    const stray = tests.filter(({ path, text }) => !path.endsWith(".test.ts") && /^\s*(?:test|describe)\(/m.test(text));
    const unrun = stray.filter(({ path }) => !scripts.some((script) => script.includes(`./${path}`)));
    expect(unrun.map(({ path }) => path)).toEqual([]);
  });
});
