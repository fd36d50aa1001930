/**
 * What serve's thread and the spool's tell each other. Values travel in one transferred buffer a message: cloning a view would clone all
 * of the body it looks into.
 */
import type { StoredRecord } from "./record.ts";
import type { Found } from "./store.ts";

export interface PackedRecord extends Omit<StoredRecord, "value"> {
  /** In the buffer; -1: there is no value. */
  readonly valueBytes: number;
}

export interface Packed {
  readonly records: readonly PackedRecord[];
  readonly values: Uint8Array<ArrayBuffer>;
}

export type SpoolRequest =
  | ({ readonly type: "put"; readonly id: number } & Packed)
  | {
      readonly type: "read";
      readonly id: number;
      readonly after: number;
      readonly maxEvents: number;
      readonly maxBytes: number;
    }
  | {
      readonly type: "remove";
      readonly id: number;
      readonly sequences: readonly number[];
      readonly rejected: readonly { readonly sequence: number; readonly reason: string }[];
    }
  | { readonly type: "close"; readonly id: number; readonly isSettled: boolean };

export type SpoolReply =
  | { readonly type: "opened"; readonly found: Found }
  | { readonly type: "not_opened"; readonly error: string }
  | { readonly type: "done"; readonly id: number }
  | ({ readonly type: "records"; readonly id: number } & Packed)
  | { readonly type: "failed"; readonly id: number; readonly error: string };

export function pack(records: readonly StoredRecord[]): Packed {
  let size = 0;
  for (const { value } of records) size += value?.byteLength ?? 0;
  const values = new Uint8Array(new ArrayBuffer(size));
  let at = 0;
  const packed = records.map(({ value, ...rest }) => {
    if (value === null) return { ...rest, valueBytes: -1 };
    values.set(value, at);
    at += value.byteLength;
    return { ...rest, valueBytes: value.byteLength };
  });
  return { records: packed, values };
}

export function unpack({ records, values }: Packed): StoredRecord[] {
  let at = 0;
  return records.map(({ valueBytes, ...rest }) => {
    if (valueBytes < 0) return { ...rest, value: null };
    at += valueBytes;
    return { ...rest, value: values.subarray(at - valueBytes, at) };
  });
}
