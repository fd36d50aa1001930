/**
 * `bun run contract [examples]`: schemathesis (PyPI) against a real serve, by its own OpenAPI document: no server error, and no answer
 * that is outside the document. Python 3 with venv makes an environment of its own in the cache, once.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../src/cache.ts";
import { withServe } from "./serve/process.ts";

const VERSION = "4.32.5";
const CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
const environment = join(cacheFolder(process.env), `schemathesis-${VERSION}`);
const st = join(environment, "bin/st");

const examples = Number(process.argv[2] ?? 100);
if (!Number.isSafeInteger(examples) || examples < 1) {
  console.error("contract: bun run contract [examples an operation]");
  process.exit(2);
}

/** Rejects where the command fails. */
async function run(command: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  const code = await child.exited;
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}`);
}

async function install(): Promise<void> {
  if (existsSync(st)) return;
  if (Bun.which("python3") === null)
    throw new Error("python3 is missing: apt-get install python3-venv, dnf install python3, brew install python");
  console.log(`contract: installing schemathesis ${VERSION} …`);
  await run(["python3", "-m", "venv", environment]);
  await run([join(environment, "bin/pip"), "install", "--quiet", `schemathesis==${VERSION}`]);
}

try {
  await install();
  // Nobody consumes here, so `?ack=filed` always waits out its time; schemathesis waits 10 s for an answer.
  await withServe(["--filed-timeout-ms", "500"], async ({ url, stop }) => {
    const how = [
      "--checks",
      CHECKS,
      "--max-examples",
      String(examples),
      "--generation-database",
      "none",
      "--seed",
      "1",
    ];
    const hooks = join(import.meta.dir, "contract/hooks.py");
    await run([st, "run", `${url}/openapi.json`, ...how], { SCHEMATHESIS_HOOKS: hooks });
    if ((await stop()) !== 0) throw new Error("serve did not end well");
  });
  process.exit(0);
} catch (cause) {
  console.error(`contract: ${(cause as Error).message}`);
  process.exit(1);
}
