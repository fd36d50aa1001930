/** A folder of JSON Schemas (draft 2020-12), compiled: one file per event type, `_default.json` for types without one. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";

export interface Schema {
  readonly file: string;
  readonly validate: ValidateFunction;
}

/** By event type; that of `_default.json` under `DEFAULT`. A Map, so that no event type can reach a path or a prototype. */
export type Schemas = ReadonlyMap<string, Schema>;

export const DEFAULT = "_default";

export interface FolderProblem {
  readonly file: string;
  readonly detail: string;
}

export interface Folder {
  readonly schemas: Schemas;
  readonly problems: readonly FolderProblem[];
  /** What is no schema by its name. */
  readonly passedOver: readonly string[];
}

const SUFFIX = ".json";
const DIALECT = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Never throws for a file: what is wrong with one is a problem, and the others are compiled. Throws where the folder cannot be read. */
export function readFolder(folder: string): Folder {
  const entries = readdirSync(folder, { withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && isSchemaFile(entry.name)).map(({ name }) => name);
  const passedOver = entries.map(({ name }) => name).filter((name) => !files.includes(name));
  const problems: FolderProblem[] = [];
  const attempt = (file: string, action: () => void) => {
    try {
      action();
    } catch (cause) {
      problems.push({ file, detail: cause instanceof Error ? cause.message : String(cause) });
    }
  };
  // A misspelt keyword is a fault; what strict mode says of style (types left out, members not listed) is the operator's affair.
  const strictness = { strictSchema: true, strictTypes: false, strictTuples: false, strictRequired: false } as const;
  const ajv = formats.default(new Ajv2020({ ...strictness, addUsedSchema: false, logger: false }));
  const added: string[] = [];
  for (const file of files.sort()) {
    attempt(file, () => {
      // Under its $id too, so that files can refer to each other.
      ajv.addSchema(parse(readFileSync(join(folder, file), "utf8")), file);
      added.push(file);
    });
  }
  const schemas = new Map<string, Schema>();
  for (const file of added) {
    attempt(file, () => {
      schemas.set(file.slice(0, -SUFFIX.length), { file, validate: ajv.getSchema(file)! });
    });
  }
  return { schemas, problems, passedOver };
}

/** Editors leave hidden and temporary files. */
function isSchemaFile(name: string): boolean {
  return name.endsWith(SUFFIX) && name.length > SUFFIX.length && !name.startsWith(".");
}

function parse(text: string): object {
  const schema: unknown = JSON.parse(text);
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    throw new Error("a schema is a JSON object");
  // ajv's own keyword: such a schema answers with a promise.
  if ("$async" in schema) throw new Error("$async is no keyword of JSON Schema");
  const dialect = "$schema" in schema ? schema.$schema : undefined;
  if (dialect !== undefined && !(typeof dialect === "string" && DIALECT.test(dialect)))
    throw new Error("$schema must be https://json-schema.org/draft/2020-12/schema");
  return schema;
}
