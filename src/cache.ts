/** Where things that are made once a machine are kept between clones: the built librdkafka, Kafka's jars. */
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** `SLUICE_CACHE`, else `sluice` in the user's cache folder, else (no home) in the temporary folder. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  if (environment.SLUICE_CACHE) return environment.SLUICE_CACHE;
  if (environment.XDG_CACHE_HOME) return join(environment.XDG_CACHE_HOME, "sluice");
  const home = environment.HOME || homedir();
  if (!home || home === "/") return join(tmpdir(), "sluice-cache");
  return process.platform === "darwin" ? join(home, "Library/Caches/sluice") : join(home, ".cache/sluice");
}
