/** The query parameters of a request. Strict: a misspelt `key` would otherwise cost order, silently. */
import { isRfc3339, type RecordHeader } from "../event/index.ts";
import { MAX_RECORD_HEADERS } from "./limits.ts";

/**
 * `all`: answered once every in-sync replica has the record. `queued`: once it is in the buffer, and so it may be lost. `filed`: once
 * the consumer group has written its line and committed past it.
 */
export type Ack = "all" | "queued" | "filed";
const ACKS: readonly string[] = ["all", "queued", "filed"] satisfies Ack[];

export interface Parameters {
  readonly key: string | null;
  readonly timestampMs: number | undefined;
  /** From `?header.name=value`. */
  readonly headers: readonly RecordHeader[];
  readonly ack: Ack;
  /** A batch's answer lists every receipt, not only what was refused. */
  readonly listsReceipts: boolean;
  /** A batch with an invalid event is refused as a whole. */
  readonly isAtomic: boolean;
}

export interface ParameterProblem {
  readonly parameter: string;
  readonly detail: string;
}

const HEADER_NAME = /^[A-Za-z0-9_.-]{1,100}$/;
/** What Sluice sets itself, or takes from elsewhere. */
const RESERVED =
  /^(?:id|received_at_ms|possible_duplicate|content-type|traceparent|tracestate|ce_.*|error_.*|source_topic)$/i;
/** RFC 3339 has it, and JavaScript's dates do not: the last moment before. */
const LEAP_SECOND = /:60(?=[.Z+-])/;
const INTEGER = /^\d{1,15}$/;

type Changes = { -readonly [K in keyof Parameters]?: Parameters[K] };
type Reader = (value: string) => Changes | string;

const COMMON: Readonly<Record<string, Reader>> = {
  ack: (value) => (ACKS.includes(value) ? { ack: value as Ack } : "must be all, queued or filed"),
};
const READERS: Readonly<Record<"one" | "many", Readonly<Record<string, Reader>>>> = {
  one: {
    ...COMMON,
    key: (value) => (value === "" ? "must not be empty" : { key: value }),
    timestamp: (value) => {
      const ms = INTEGER.test(value)
        ? Number(value)
        : isRfc3339(value)
          ? Date.parse(value.toUpperCase().replace(LEAP_SECOND, ":59"))
          : Number.NaN;
      // librdkafka takes 0 for "now".
      return ms > 0 ? { timestampMs: ms } : "must be milliseconds since 1970, or a date and time as in RFC 3339";
    },
  },
  many: {
    ...COMMON,
    results: (value) =>
      value === "all" || value === "refused" ? { listsReceipts: value === "all" } : "must be all or refused",
    atomic: (value) =>
      value === "true" || value === "false" ? { isAtomic: value === "true" } : "must be true or false",
  },
};

export class ParameterReader {
  readonly #defaults: Parameters;

  constructor(defaultAck: Ack) {
    this.#defaults = {
      key: null,
      timestampMs: undefined,
      headers: [],
      ack: defaultAck,
      listsReceipts: false,
      isAtomic: false,
    };
  }

  /** `takes` says whether the request brings one event or several: they do not take the same parameters. */
  read(url: string, takes: "one" | "many"): Parameters | ParameterProblem {
    const start = url.indexOf("?");
    if (start === -1 || start === url.length - 1) return this.#defaults;
    const changes: Changes = {};
    const seen = new Set<string>();
    for (const pair of url.slice(start + 1).split("&")) {
      if (pair === "") continue;
      const [name, value] = split(pair);
      const wrong = readPair(name, value, takes, changes) ?? (seen.has(name) ? "must be given once" : undefined);
      if (wrong !== undefined) return { parameter: name, detail: wrong };
      seen.add(name);
    }
    return { ...this.#defaults, ...changes };
  }
}

/** Returns what is wrong with it. */
function readPair(
  name: string,
  value: string | undefined,
  takes: "one" | "many",
  changes: Changes,
): string | undefined {
  if (takes === "one" && name.startsWith("header.")) return readHeader(name.slice("header.".length), value, changes);
  const reader = Object.hasOwn(READERS[takes], name) ? READERS[takes][name] : undefined;
  if (reader === undefined) {
    const others = takes === "one" ? [...Object.keys(READERS.one), "header.<name>"] : Object.keys(READERS.many);
    return `is not taken here; what is taken: ${others.join(", ")}`;
  }
  if (value === undefined) return "is not percent-encoded UTF-8";
  const read = reader(value);
  if (typeof read === "string") return read;
  Object.assign(changes, read);
  return undefined;
}

function readHeader(name: string, value: string | undefined, changes: Changes): string | undefined {
  if (!HEADER_NAME.test(name))
    return "must name a record header of 1 to 100 letters, digits, dots, underscores or hyphens";
  if (RESERVED.test(name)) return "names a record header that cannot be set this way";
  if (value === undefined) return "is not percent-encoded UTF-8";
  const headers = changes.headers ?? [];
  if (headers.length === MAX_RECORD_HEADERS)
    return `is one too many: at most ${MAX_RECORD_HEADERS} record headers can be set`;
  changes.headers = [...headers, [name, value]];
  return undefined;
}

function split(pair: string): [name: string, value: string | undefined] {
  const equals = pair.indexOf("=");
  const [name, value] = equals === -1 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
  return [decode(name) ?? name, decode(value)];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
