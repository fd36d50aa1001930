/**
 * A row of the conformance tables: a request, and the answer it must get. To add a case, add a row; every row gets a test of its own.
 * What is taken is read back from Kafka and compared byte for byte.
 */
import type { ReasonCode } from "../../src/outcome.ts";

/** What a record must hold. `headers`: those beside `id` and `received_at_ms`, exactly. */
export interface ExpectedRecord {
  readonly value: string | Uint8Array | null;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestampMs?: number;
  /** Needed in answers that list no receipts. */
  readonly id?: string;
  readonly topic?: "other";
}

export interface ExpectedProblem {
  readonly code: ReasonCode;
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
  readonly limit?: string;
  readonly detail?: string;
}

export type Expected =
  /** One event, taken. */
  | { readonly record: ExpectedRecord; readonly status?: "acked" | "queued" }
  /** The request, refused. */
  | { readonly problem: ExpectedProblem; readonly headers?: Readonly<Record<string, string>> }
  /** A batch: what was taken, and the problem at each index that was not. */
  | {
      readonly answers: number;
      readonly records: readonly ExpectedRecord[];
      readonly problems: Readonly<Record<number, ExpectedProblem>>;
    };

export interface Row {
  readonly name: string;
  /** POST where it is not said. */
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | ReadableStream;
  /** `main` where it is not said; the others have other options (see conformance.test.ts). */
  readonly server?: "main" | "small" | "keyed" | "big";
  readonly expect: Expected;
}

export const ONE = "/register_event";
export const MANY = "/register_events";
export const JSON_TYPE = { "content-type": "application/json" };
export const LINES_TYPE = { "content-type": "application/x-ndjson" };

export const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : Buffer.from(part)))),
  );

/** One event as JSON, taken as it is. */
export function takes(
  name: string,
  body: string | Uint8Array,
  more: Partial<Row> & { record?: Partial<ExpectedRecord> } = {},
): Row {
  const { record, ...row } = more;
  return { name, path: ONE, headers: JSON_TYPE, body, expect: { record: { value: body, ...record } }, ...row };
}

/** One event as JSON, refused. */
export function refuses(
  name: string,
  body: NonNullable<Row["body"]>,
  problem: ExpectedProblem,
  more: Partial<Row> = {},
): Row {
  return { name, path: ONE, headers: JSON_TYPE, body, expect: { problem }, ...more };
}
