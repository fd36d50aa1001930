/**
 * `bun run bench`: how fast the project is, by suites (scripts/bench/suites/), with what it is compared with in turn. After every run
 * what was promised is counted against the topic: exit 1 where something was lost, whatever the figures. docs/PERFORMANCE.md tells more.
 */
import { runCommand } from "../src/command.ts";
import { benchOptions } from "../src/options/bench.ts";
import { endOnSignal } from "./bench/at-end.ts";
import { guard } from "./bench/guard.ts";
import { checkReadme } from "./bench/readme.ts";
import { runSuites } from "./bench/runner.ts";

await runCommand({
  name: "bench",
  about:
    "Measures serve, consume and the producer between them, each in processes of their own, in turn with what they are compared with.\n" +
    "Needs oha for what goes over HTTP, and what `bun run kafka` needs. Exit 1 where a run lost something.",
  options: benchOptions,
  run: (options, stop) => {
    endOnSignal(stop.whenRequested);
    const say = (line: string) => process.stderr.write(`${line}\n`);
    if (options.guard) return guard(options, say);
    if (options.checkReadme) return checkReadme(options, say);
    return runSuites(options, say);
  },
});
