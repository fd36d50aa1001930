/** `bun run serve`: takes events over HTTP. Exits 0 when it was asked to stop. */
import { runCommand } from "./command.ts";
import { serveOptions } from "./options/serve.ts";
import { placeOf, supervise } from "./processes/index.ts";

await runCommand({
  name: "serve",
  about:
    "Takes events over HTTP and puts them into Kafka. An event answered with status acked is on every in-sync replica.",
  options: serveOptions,
  async run(options, stop) {
    if (options.processes > 1 && placeOf(process.env) === undefined) return supervise(options, stop);
    // Loaded here: the parent of several has no use for it.
    const { serve } = await import("./serve/index.ts");
    return serve(options, stop);
  },
});
