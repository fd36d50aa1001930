/**
 * Finds librdkafka and opens it, once a thread: `LIBRDKAFKA_PATH`, else the build that `scripts/librdkafka.ts` keeps in the
 * cache, else the system's. Anything older than 2.3 is passed over (an explicit path: refused).
 */
import { dlopen, type Library, type Pointer, suffix } from "bun:ffi";
import { existsSync } from "node:fs";
import { join } from "node:path";
import packageJson from "@confluentinc/kafka-javascript/package.json" with { type: "json" };
import { cacheFolder } from "../../cache.ts";
import { cString, ErrorText, OutWord, textAt } from "./memory.ts";
import { laterMockSymbols, laterSymbols, libcSymbols, librdkafkaSymbols, mockSymbols } from "./symbols.ts";

/** The version whose sources `@confluentinc/kafka-javascript` carries. */
export const BUNDLED_VERSION: string = packageJson.librdkafka;
const MINIMUM_VERSION = 0x02_03_00_ff;

export type Source = "explicit" | "cached" | "system";

export interface LibraryInfo {
  readonly path: string;
  readonly source: Source;
  /** As the library says it: "2.15.1". */
  readonly version: string;
  /** What is built in: "ssl", "zstd", "lz4", "sasl_scram", … */
  readonly features: ReadonlySet<string>;
}

/**
 * Pointers and 64-bit results as numbers: bun:ffi's types allow for a bigint beyond 2^53, which neither an address in user
 * space nor an offset reaches. (A timestamp may: `RecordBatch.timestampMs`.)
 */
type Functions<T extends Parameters<typeof dlopen>[1]> = {
  [K in keyof T]: Library<T>["symbols"][K] extends (...args: infer A) => infer R
    ? (...args: A) => Exclude<R, bigint>
    : never;
};
type Core = Functions<typeof librdkafkaSymbols>;
type Mock = Functions<typeof mockSymbols>;

function open<T extends Parameters<typeof dlopen>[1]>(path: string, symbols: T): Functions<T> {
  return dlopen(path, symbols).symbols as unknown as Functions<T>;
}

export class LibraryError extends Error {
  override readonly name = "LibraryError";
}

/** Grows with what scripts/librdkafka.ts mends in the sources: a build without it is not taken for one with it. */
const PATCH_LEVEL = 7;

/** Where the build of the bundled sources is kept: one folder a version, system and processor. */
export function cachedLibraryPath(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const file = process.platform === "darwin" ? "librdkafka.1.dylib" : "librdkafka.so.1";
  const build = `librdkafka-${BUNDLED_VERSION}.${PATCH_LEVEL}-${process.platform}-${process.arch}`;
  return join(cacheFolder(environment), build, file);
}

const SYSTEM_NAMES =
  process.platform === "darwin"
    ? ["librdkafka.1.dylib", "/opt/homebrew/lib/librdkafka.1.dylib", "/usr/local/lib/librdkafka.1.dylib"]
    : ["librdkafka.so.1", "librdkafka.so"];

function* candidates(
  environment: Readonly<Record<string, string | undefined>>,
): Generator<{ path: string; source: Source }> {
  const explicit = environment.LIBRDKAFKA_PATH;
  if (explicit) {
    // An explicit choice is kept or refused, never quietly replaced.
    yield { path: explicit, source: "explicit" };
    return;
  }
  const cached = cachedLibraryPath(environment);
  if (existsSync(cached)) yield { path: cached, source: "cached" };
  for (const path of SYSTEM_NAMES) yield { path, source: "system" };
}

interface Opened {
  readonly core: Core;
  readonly info: LibraryInfo;
}

/** Opens the first library that will do. Throws `LibraryError` with what was tried and the ways out. */
export function openLibrary(environment: Readonly<Record<string, string | undefined>> = process.env): Opened {
  const tried: string[] = [];
  for (const { path, source } of candidates(environment)) {
    try {
      const core = openCore(path);
      return {
        core,
        info: { path, source, version: textAt(core.rd_kafka_version_str()), features: readFeatures(core) },
      };
    } catch (cause) {
      tried.push(`  ${source}: ${path}: ${(cause as Error).message.replaceAll("\n", " ")}`);
    }
  }
  throw new LibraryError(`no usable librdkafka (2.3 or later is needed). Tried:\n${tried.join("\n")}\n${WAYS_OUT}`);
}

/** Throws with what keeps the library at `path` from being used. Its version first: an older one lacks some of the symbols. */
function openCore(path: string): Core {
  const { rd_kafka_version, rd_kafka_version_str } = librdkafkaSymbols;
  const probe = open(path, { rd_kafka_version, rd_kafka_version_str });
  if (probe.rd_kafka_version() < MINIMUM_VERSION)
    throw new LibraryError(`is version ${textAt(probe.rd_kafka_version_str())}`);
  return open(path, librdkafkaSymbols);
}

export const WAYS_OUT = `Ways out:
  build it once (about a minute) with \`bun run setup\`; that needs a C compiler and make:
    Debian, Ubuntu   apt-get install build-essential zlib1g-dev libssl-dev libsasl2-dev libzstd-dev
    Fedora           dnf install gcc gcc-c++ make zlib-devel openssl-devel cyrus-sasl-devel libzstd-devel
    macOS            xcode-select --install && brew install openssl@3 zstd
  or install librdkafka 2.3 or later: Debian 13 librdkafka1, Fedora librdkafka, macOS brew install librdkafka
  or point LIBRDKAFKA_PATH at a librdkafka.${suffix}`;

function readFeatures(core: Core): ReadonlySet<string> {
  const conf = core.rd_kafka_conf_new();
  try {
    const text = new ErrorText();
    const size = new OutWord();
    size.bytes[0] = BigInt(text.size);
    if (core.rd_kafka_conf_get(conf, cString("builtin.features"), text.bytes, size.bytes) !== 0) return new Set();
    return new Set(text.text.split(",").map((feature) => feature.trim()));
  } finally {
    core.rd_kafka_conf_destroy(conf);
  }
}

let opened: Opened | undefined;

/** librdkafka, opened on first use in this thread. */
export function library(): Opened {
  opened ??= openLibrary();
  return opened;
}

/** The functions of librdkafka. */
export function rd(): Core {
  return library().core;
}

/** Where a function of this very library lies: for another thread (reaper.ts), and for our own C (compiled.ts). */
export function functionAddress(name: keyof typeof librdkafkaSymbols): Pointer {
  return (rd()[name] as unknown as { ptr: Pointer }).ptr;
}

const LIBC_NAMES =
  process.platform === "darwin"
    ? ["libSystem.B.dylib"]
    : ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

function openLibc(): Functions<typeof libcSymbols> {
  let last: unknown;
  for (const name of LIBC_NAMES) {
    try {
      return open(name, libcSymbols);
    } catch (cause) {
      last = cause;
    }
  }
  throw new LibraryError(`the C library could not be opened (${LIBC_NAMES.join(", ")})`, { cause: last });
}

let libcOpened: ReturnType<typeof openLibc> | undefined;

export function libc(): ReturnType<typeof openLibc> {
  libcOpened ??= openLibc();
  return libcOpened;
}

/** Where it lies, for our own C. */
export function memcpyAddress(): Pointer {
  return (libc().memcpy as unknown as { ptr: Pointer }).ptr;
}

let mockOpened: Mock | undefined;

export function mockLibrary(): Mock {
  mockOpened ??= open(library().info.path, mockSymbols);
  return mockOpened;
}

/** The functions in `symbols`, looked up on first use; null where the library is too old to have them. */
function later<T extends Parameters<typeof dlopen>[1]>(symbols: T): () => Functions<T> | null {
  let found: Functions<T> | null | undefined;
  return () => {
    if (found === undefined) {
      try {
        found = open(library().info.path, symbols);
      } catch {
        found = null;
      }
    }
    return found;
  };
}

export const laterLibrary = later(laterSymbols);
export const laterMockLibrary = later(laterMockSymbols);
