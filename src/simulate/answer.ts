/** Reads what a request ended with, an answer or an error, as an outcome. Pure: no network in here. */
import { acked, type Outcome, refused, unknown, unreachable } from "./outcome.ts";

/** Errors that come before any byte of the request is on its way. */
const CONNECT_FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection_refused",
  ENOTFOUND: "host_not_found",
  EAI_AGAIN: "host_not_found",
  ENETUNREACH: "network_unreachable",
  EHOSTUNREACH: "host_unreachable",
  EADDRNOTAVAIL: "no_local_port",
  EMFILE: "too_many_open_files",
  EPROTO: "tls_failed",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls_failed",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls_failed",
  ERR_TLS_CERT_ALTNAME_INVALID: "tls_failed",
  CERT_HAS_EXPIRED: "tls_failed",
};

const PROBLEM_CODE = /^[A-Za-z0-9_.-]{1,64}$/;

/** `text` is the answer's whole body; undefined where the connection broke in the middle of it. */
export function readAnswer(status: number, text: string | undefined, sentId: string): Outcome {
  if (status >= 200 && status < 300) return readReceipt(status, text, sentId);
  const code = problemCode(text) ?? `http_${status}`;
  // 4xx and 503 are decisions not to take the event. Any other 5xx, a proxy's 502 or a crash's 500, may hide one that was taken.
  return status < 500 || status === 503 ? refused(code) : unknown(code);
}

/** Kept, and for how long nobody knows: serve's disk until Kafka is back, or its buffer. */
const NOT_YET_ACKED: readonly unknown[] = ["spooled", "queued"];

function readReceipt(status: number, text: string | undefined, sentId: string): Outcome {
  const receipt = parseObject(text);
  if (status !== 202 || receipt?.id !== sentId || typeof receipt.topic !== "string") return unknown("bad_receipt");
  if (NOT_YET_ACKED.includes(receipt.status)) return unknown(String(receipt.status));
  // "filed" is acked, and more than that.
  const isAcked = receipt.status === "acked" || receipt.status === "filed";
  const hasPlace = isCount(receipt.partition) && (receipt.offset === null || isCount(receipt.offset));
  return isAcked && hasPlace ? acked : unknown("bad_receipt");
}

/** A request that failed without an answer. */
export function readFailure(cause: unknown): Outcome {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  if (code === undefined) return unknown("request_failed");
  const connectFailure = CONNECT_FAILURES[code];
  if (connectFailure !== undefined) return unreachable(connectFailure);
  return unknown(code === "ECONNRESET" ? "connection_reset" : code.toLowerCase());
}

function problemCode(text: string | undefined): string | undefined {
  const code = parseObject(text)?.code;
  return typeof code === "string" && PROBLEM_CODE.test(code) ? code : undefined;
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
