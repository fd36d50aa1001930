/** The certificate and its key, read and checked to the end, so that a listener made with them starts. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { UsageError } from "../options/core.ts";

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Tls {
  readonly cert: string;
  readonly key: string;
  /** For the log: what tells one certificate from the next. */
  readonly fingerprint: string;
  readonly validTo: string;
}

/** Throws `UsageError` with a sentence. OpenSSL's own words go along: they name the fault, never what is in a key. */
export function readTls(files: TlsFiles): Tls {
  const cert = read("--tls-cert", files.cert);
  const key = read("--tls-key", files.key);
  const certificate = attempt(`--tls-cert ${files.cert} is not a certificate in PEM`, () => new X509Certificate(cert));
  const privateKey: KeyObject = attempt(`--tls-key ${files.key} is not a private key in PEM without a passphrase`, () =>
    createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new UsageError(`--tls-key ${files.key} is not the key of --tls-cert ${files.cert}`);
  }
  attempt(`--tls-cert ${files.cert} cannot be used`, () => createSecureContext({ cert, key }));
  return { cert, key, fingerprint: certificate.fingerprint256, validTo: certificate.validTo };
}

function read(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${flag} ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
}

function attempt<T>(sentence: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new UsageError(`${sentence}: ${(cause as Error).message}`, { cause });
  }
}
