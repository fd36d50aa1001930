/**
 * The schemas in force. They follow their folder: a file that changes, comes or goes takes effect within moments; one that is broken
 * leaves the old one in force, and that is said.
 */
import { type FSWatcher, watch } from "node:fs";
import type { ErrorObject } from "ajv/dist/2020.js";
import type { Log } from "../log.ts";
import { DEFAULT, type Folder, readFolder, type Schema, type Schemas } from "./folder.ts";

export class SchemaFolderError extends Error {
  override readonly name = "SchemaFolderError";
}

/** Why an event is refused. */
export interface SchemaFault {
  readonly code: "schema_violation" | "unknown_event_type";
  readonly detail: string;
  /** JSON pointer into the value. */
  readonly pointer: string;
  /** File and place of the rule: `page_view.json#/properties/price/minimum`. Absent where no schema is to be had. */
  readonly rule?: string;
}

export interface SchemaSetOptions {
  readonly folder: string;
  /** What becomes of events whose type has no schema, where there is no `_default.json` either. */
  readonly unknown: "take" | "refuse";
  readonly log: Log;
}

/** An editor's save is several events of the file system. */
const SETTLE_MS = 50;
const DETAIL_MAX = 300;

export class SchemaSet {
  readonly #options: SchemaSetOptions;
  readonly #watcher: FSWatcher | undefined;
  #schemas: Schemas;
  #passedOver = "";
  #timer: Timer | undefined;

  /** Throws `SchemaFolderError` where the folder cannot be read or a schema in it is broken. */
  constructor(options: SchemaSetOptions) {
    this.#options = options;
    const { folder } = options;
    let read: Folder;
    try {
      read = readFolder(folder);
    } catch (cause) {
      throw new SchemaFolderError(`cannot be read: ${(cause as Error).message}`);
    }
    if (read.problems.length > 0)
      throw new SchemaFolderError(read.problems.map(({ file, detail }) => `${file}: ${detail}`).join("; "));
    this.#schemas = read.schemas;
    this.#report(read);
    options.log.info({ folder, types: [...read.schemas.keys()].sort() }, "schemas are in force");
    this.#watcher = this.#watch();
    // What was written between reading and watching is read then.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#reload();
    }, SETTLE_MS);
  }

  #watch(): FSWatcher | undefined {
    const { folder, log } = this.#options;
    const failed = (cause: Error) =>
      log.error(
        { folder, error: cause.message },
        "the schema folder is not watched any more: start anew to take changes",
      );
    try {
      const watcher = watch(folder, () => {
        // Not put off by later events: a folder that is written to all the time would never be read.
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#reload();
        }, SETTLE_MS);
      });
      watcher.on("error", failed);
      return watcher;
    } catch (cause) {
      failed(cause as Error);
      return undefined;
    }
  }

  /** `type` is the event's; what is wrong with the value, if anything is. */
  check(type: string | undefined, value: unknown): SchemaFault | undefined {
    const schema = (type === undefined ? undefined : this.#typed(type)) ?? this.#schemas.get(DEFAULT);
    if (schema === undefined) return this.#options.unknown === "take" ? undefined : unknownType(type);
    try {
      if (schema.validate(value) === true) return undefined;
    } catch (cause) {
      // A schema that refers to itself, and a value nested deeper than the stack.
      if (!(cause instanceof RangeError)) throw cause;
      return { code: "schema_violation", detail: "is nested too deeply for its schema", pointer: "" };
    }
    return faultOf(schema, schema.validate.errors![0]!);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  /** An event type that is called as the default's file is a type like any other, without a file. */
  #typed(type: string): Schema | undefined {
    return type === DEFAULT ? undefined : this.#schemas.get(type);
  }

  #reload(): void {
    const { folder, log } = this.#options;
    try {
      const read = readFolder(folder);
      const schemas = new Map(read.schemas);
      for (const { file, detail } of read.problems) {
        const type = file.slice(0, -".json".length);
        const kept = this.#schemas.get(type);
        if (kept) schemas.set(type, kept);
        log.error(
          { file, error: detail },
          kept ? "a schema is broken; the one before stays in force" : "a schema is broken; there is none for its type",
        );
      }
      this.#schemas = schemas;
      this.#report(read);
      log.info({ folder, types: [...schemas.keys()].sort() }, "schemas were read again");
    } catch (cause) {
      log.error(
        { folder, error: (cause as Error).message },
        "the schema folder cannot be read; the schemas stay in force",
      );
    }
  }

  #report({ passedOver }: Folder): void {
    const names = passedOver.join(", ");
    if (names !== this.#passedOver && names !== "")
      this.#options.log.warn(
        { files: passedOver },
        "these in the schema folder are passed over: a schema is called <event type>.json",
      );
    this.#passedOver = names;
  }
}

function unknownType(type: string | undefined): SchemaFault {
  const detail =
    type === undefined
      ? "the event has no type, and only known types are taken"
      : `there is no schema for ${shown(type)}`;
  return { code: "unknown_event_type", detail, pointer: "" };
}

function faultOf({ file }: Schema, error: ErrorObject): SchemaFault {
  const rule = `${file}${error.schemaPath.startsWith("#") ? error.schemaPath : ` → ${error.schemaPath}`}`;
  const pointer = error.instancePath + memberOf(error);
  const detail = `${error.message ?? "is not as the schema wants it"} (${rule})`;
  return { code: "schema_violation", detail: detail.slice(0, DETAIL_MAX), pointer, rule };
}

/** The member that is missing, or that must not be there, as the pointer's last token. */
function memberOf({ params }: ErrorObject): string {
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Readonly<Record<string, unknown>>;
  const member = missingProperty ?? additionalProperty ?? unevaluatedProperty;
  return typeof member === "string" ? `/${member.replaceAll("~", "~0").replaceAll("/", "~1")}` : "";
}

function shown(type: string): string {
  return JSON.stringify(type.length > 80 ? `${type.slice(0, 80)}…` : type);
}
