/** Which librdkafka is taken, and what is said where there is none. In child processes: the environment decides. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { library } from "../../src/kafka/index.ts";
import { cachedLibraryPath } from "../../src/kafka/native/library.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-library-"));
const emptyCache = join(folder, "empty-cache");
const fullCache = join(folder, "full-cache");
/** A library of the right name, for the system to find. */
const goodSystem = join(folder, "good");
const oldSystem = join(folder, "old");
const old = join(oldSystem, basename(cachedLibraryPath()));
const bare = join(folder, "bare.so");
const real = library().info.path;
const isMac = process.platform === "darwin";

beforeAll(async () => {
  expect(existsSync(real)).toBe(true);
  for (const each of [emptyCache, goodSystem, oldSystem]) mkdirSync(each);
  const cached = cachedLibraryPath({ SLUICE_CACHE: fullCache });
  mkdirSync(dirname(cached), { recursive: true });
  symlinkSync(real, cached);
  symlinkSync(real, join(goodSystem, basename(cached)));
  await compile(old, 0x02_00_00_ff, "2.0.0");
  copyFileSync(old, join(oldSystem, "librdkafka.so"));
  await compile(bare, 0x02_03_00_ff, "2.3.0");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A library with nothing but a version. */
async function compile(path: string, version: number, text: string): Promise<void> {
  const source = `int rd_kafka_version(void) { return ${version}; } const char *rd_kafka_version_str(void) { return "${text}"; }`;
  const compiler = Bun.spawn(["cc", "-shared", "-fPIC", "-o", path, "-x", "c", "-"], {
    stdin: new TextEncoder().encode(source),
    stderr: "inherit",
  });
  expect(await compiler.exited).toBe(0);
}

interface Found {
  readonly source?: string;
  readonly path?: string;
  readonly version?: string;
  readonly features?: readonly string[];
  readonly name?: string;
  readonly message?: string;
}

/** What a process with this environment finds. */
async function find(environment: Readonly<Record<string, string>>): Promise<Found> {
  const program = `
    const { openLibrary } = await import(${JSON.stringify(join(import.meta.dir, "../../src/kafka/native/library.ts"))});
    try {
      const { info } = openLibrary();
      console.log(JSON.stringify({ ...info, features: [...info.features] }));
    } catch (cause) {
      console.log(JSON.stringify({ name: cause.name, message: cause.message }));
    }`;
  const { LIBRDKAFKA_PATH: _, SLUICE_CACHE: __, ...rest } = process.env;
  const child = Bun.spawn([process.execPath, "-e", program], { env: { ...rest, ...environment }, stderr: "inherit" });
  return JSON.parse(await child.stdout.text()) as Found;
}

const systemPath = (path: string) => ({ [isMac ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH"]: path });

test("an explicit path wins", async () => {
  const found = await find({ LIBRDKAFKA_PATH: real, SLUICE_CACHE: fullCache });
  expect([found.source, found.path]).toEqual(["explicit", real]);
  expect(found.version).toBe(library().info.version);
  expect(found.features).toContain("sasl_plain");
});

test("an explicit path that will not do is refused, with its reason, and nothing else is taken", async () => {
  for (const [path, reason] of [
    [join(folder, "missing.so"), "missing.so"],
    [old, "is version 2.0.0"],
    [bare, "rd_kafka_"],
    [import.meta.path, "library.test.ts"],
  ] as const) {
    const found = await find({ LIBRDKAFKA_PATH: path, SLUICE_CACHE: fullCache, ...systemPath(goodSystem) });
    expect([path, found.name]).toEqual([path, "LibraryError"]);
    expect(found.message).toContain(`explicit: ${path}: `);
    expect(found.message).toContain(reason);
    expect(found.message).not.toContain("cached:");
  }
}, 20_000);

test("without one, the cached build is taken", async () => {
  const found = await find({ SLUICE_CACHE: fullCache, ...systemPath(goodSystem) });
  expect([found.source, found.path]).toEqual(["cached", cachedLibraryPath({ SLUICE_CACHE: fullCache })]);
});

test("without that, the system's", async () => {
  const found = await find({ SLUICE_CACHE: emptyCache, ...systemPath(goodSystem) });
  expect([found.source, found.version]).toEqual(["system", library().info.version]);
});

// Where Homebrew has put one, macOS always finds it.
test.skipIf(isMac && ["/opt/homebrew", "/usr/local"].some((prefix) => existsSync(`${prefix}/lib/librdkafka.1.dylib`)))(
  "without any that will do, the message says what was tried and what to install",
  async () => {
    const found = await find({ SLUICE_CACHE: emptyCache, ...systemPath(oldSystem) });
    expect(found.name).toBe("LibraryError");
    expect(found.message).toContain("2.3 or later is needed");
    expect(found.message).toContain("is version 2.0.0");
    for (const way of [
      "apt-get install",
      "librdkafka1",
      "dnf install",
      "brew install",
      "xcode-select",
      "LIBRDKAFKA_PATH",
      "bun run setup",
    ]) {
      expect(found.message).toContain(way);
    }
  },
);

/** `bun scripts/librdkafka.ts` with a cache of its own, and with tools that build in no time: `make` is this shell script. */
async function ensure(name: string, o: { make: string; cache?: string; system: string }) {
  const tools = join(folder, `tools-${name}`);
  mkdirSync(tools);
  for (const [tool, script] of Object.entries({ cc: "exit 0", bash: "exit 0", make: o.make }))
    writeFileSync(join(tools, tool), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const cache = o.cache ?? join(folder, `cache-${name}`);
  const { LIBRDKAFKA_PATH: _, ...rest } = process.env;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../scripts/librdkafka.ts")], {
    env: { ...rest, PATH: `${tools}:/bin:/usr/bin`, SLUICE_CACHE: cache, ...systemPath(o.system) },
    stderr: "pipe",
  });
  const [said, code] = await Promise.all([child.stderr.text(), child.exited]);
  return { said, code, built: cachedLibraryPath({ SLUICE_CACHE: cache }) };
}
const MAKES_IT = `cp '${real}' src/`;

test("a build that cannot be opened any more is made anew; what a killed build left behind goes", async () => {
  const cache = join(folder, "stale-cache");
  const built = cachedLibraryPath({ SLUICE_CACHE: cache });
  mkdirSync(dirname(built), { recursive: true });
  writeFileSync(built, "linked with what is gone");
  const [old, young] = [`${dirname(built)}.building-old`, `${dirname(built)}.building-young`];
  for (const leftover of [old, young]) mkdirSync(leftover);
  utimesSync(old, 0, 0);
  const { said, code } = await ensure("stale", { make: MAKES_IT, cache, system: goodSystem });
  expect([code, said]).toEqual([0, expect.stringContaining("cannot be opened any more")]);
  expect(said).toContain(`cached: ${built}`);
  expect(
    readdirSync(cache)
      .map((each) => join(cache, each))
      .sort(),
  ).toEqual([dirname(built), young]);
}, 60_000);

test("where the build fails, the system's is taken, and that is said; without one, the build's last words are", async () => {
  const make = "echo 'no stdio.h' >&2; exit 2";
  const system = await ensure("system", { make, system: goodSystem });
  expect([system.code, system.said]).toEqual([0, expect.stringContaining("no stdio.h")]);
  expect(system.said).toContain("(system: ");
  const none = await ensure("none", { make, system: oldSystem });
  expect([none.code, none.said]).toEqual([1, expect.stringContaining("no stdio.h")]);
  expect(none.said).toContain("apt-get install");
}, 60_000);
