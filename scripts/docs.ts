/**
 * `bun run docs`: makes what is generated anew: parts of README.md, docs/PROBLEMS.md, docs/openapi.json. With `--check` it changes
 * nothing, and exits 1 where something has drifted from the code.
 */
import { join } from "node:path";
import { generatedFiles } from "./docs/generated.ts";

const [flag, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (flag !== undefined && flag !== "--check")) {
  console.error("docs: the only option is --check");
  process.exit(2);
}

let drifted = 0;
for (const [name, make] of Object.entries(generatedFiles)) {
  const file = Bun.file(join(import.meta.dir, "..", name));
  const before = (await file.exists()) ? await file.text() : "";
  const after = await make(before);
  if (before === after) {
    console.log(`${name} is up to date`);
  } else if (flag === "--check") {
    console.error(`${name} does not say what the code says: run \`bun run docs\``);
    drifted++;
  } else {
    await Bun.write(file, after);
    console.log(`${name}: made anew`);
  }
}
process.exit(drifted === 0 ? 0 : 1);
