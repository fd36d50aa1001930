/** Who may come in, and with what: keys, origins, certificates, schemas. Read before anything connects. */
import { readTls, watchKeys } from "../http/index.ts";
import type { Log } from "../log.ts";
import { readOrigins } from "../options/access.ts";
import { UsageError, type Values } from "../options/core.ts";
import type { serveOptions } from "../options/serve.ts";
import { SchemaFolderError, SchemaSet } from "../schemas/index.ts";

type Options = Values<typeof serveOptions>;

/** Throws `UsageError` where the folder or a schema in it will not do. */
export function openSchemas({ schemas, schemasUnknown }: Options, log: Log): SchemaSet | undefined {
  if (schemas === undefined) return undefined;
  try {
    return new SchemaSet({ folder: schemas, unknown: schemasUnknown, log });
  } catch (cause) {
    throw cause instanceof SchemaFolderError ? new UsageError(`--schemas ${schemas}: ${cause.message}`) : cause;
  }
}

/** Throws `UsageError`: what is wrong with the files is a matter for whoever typed their names. */
export async function openAccess(options: Options, log: Log) {
  const { tlsCert, tlsKey } = options;
  const tls = tlsCert !== undefined && tlsKey !== undefined ? { cert: tlsCert, key: tlsKey } : undefined;
  if (tls) readTls(tls);
  const watched = options.apiKeys === undefined ? undefined : await watchKeys(options.apiKeys, log, options.processes);
  if (watched) log.info({ keys: watched.ring.names }, "events are taken from the holders of these API keys");
  else log.warn({ host: options.host }, "open: without --api-keys, whoever reaches the address may send events");
  return {
    keys: watched?.ring,
    corsOrigins: readOrigins(options.corsOrigins),
    tls,
    close: () => watched?.close(),
  };
}
