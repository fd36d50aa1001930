/**
 * `bun run docs`: makes the generated parts of README.md anew. With `--check` it changes nothing, and exits 1 where they have
 * drifted from the code.
 */
import { join } from "node:path";
import { regenerate } from "./docs/generated.ts";

const README = join(import.meta.dir, "../README.md");
const [flag, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (flag !== undefined && flag !== "--check")) {
  console.error("docs: the only option is --check");
  process.exit(2);
}

const before = await Bun.file(README).text();
const after = regenerate(before);
if (before === after) {
  console.log("README.md is up to date");
} else if (flag === "--check") {
  console.error("README.md does not say what the code says: run `bun run docs`");
  process.exit(1);
} else {
  await Bun.write(README, after);
  console.log("README.md: generated parts made anew");
}
