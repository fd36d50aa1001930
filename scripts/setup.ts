/**
 * What every `bun run …` does first: the dependencies, and librdkafka. Both are quick to find done. It imports nothing that
 * is not in the repository until the dependencies are there. `--rebuild` builds librdkafka anew.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const PINNED: string = (await Bun.file(join(root, "package.json")).json()).engines.bun;
const say = (line: string) => process.stderr.write(`${line}\n`);

function isInstalled(): boolean {
  // `bun install` leaves the folder newer than the lock file it was made from.
  const marker = join(root, "node_modules/.sluice-installed");
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, "bun.lock")).mtimeMs;
}

async function install(): Promise<void> {
  say("installing dependencies (bun install --frozen-lockfile) …");
  const child = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: root,
    stdout: "ignore",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [error, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0)
    throw new Error(`bun install failed (exit ${code}):\n${error.trim().split("\n").slice(-15).join("\n")}`);
  await Bun.write(join(root, "node_modules/.sluice-installed"), `${PINNED}\n`);
}

try {
  if (Bun.version !== PINNED) say(`note: Sluice is tested with Bun ${PINNED}; this is ${Bun.version}`);
  if (!isInstalled()) await install();
  const { describeLibrary, ensureLibrdkafka } = await import("./librdkafka.ts");
  const isRebuild = process.argv.includes("--rebuild");
  const info = await ensureLibrdkafka(say, isRebuild);
  if (isRebuild || process.argv.includes("--verbose")) say(describeLibrary(info));
} catch (cause) {
  say(`setup: ${(cause as Error).message}`);
  process.exit(1);
}
