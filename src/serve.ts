/** `bun run serve`: takes events over HTTP. Exits 0 when it was asked to stop. */
import { runCommand } from "./command.ts";
import { serveOptions } from "./options/serve.ts";
import { serve } from "./serve/index.ts";

await runCommand({
  name: "serve",
  about:
    "Takes events over HTTP and puts them into Kafka. An event answered with status acked is on every in-sync replica.",
  options: serveOptions,
  run: serve,
});
