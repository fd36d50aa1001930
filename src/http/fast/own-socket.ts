/** The address of a unix socket that only this process listens on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface OwnSocket {
  readonly path: string;
  readonly remove: () => void;
}

export function ownSocket(): OwnSocket {
  // Linux has names that are no files (unix(7), "abstract"): they end with the process, however it ends.
  if (process.platform === "linux") return { path: `\0sluice-${crypto.randomUUID()}`, remove: () => {} };
  const path = join(mkdtempSync(join(tmpdir(), "sluice-")), "http.sock");
  return { path, remove: () => rmSync(dirname(path), { recursive: true, force: true }) };
}
