/** `bun run simulate`: sends realistic events to serve and prints what became of them. Exits 0 only if every event was acked. */
import { runCommand } from "./command.ts";
import { simulateOptions } from "./options/simulate.ts";
import { endingText, isAllAcked, simulate, summaryText } from "./simulate/index.ts";

await runCommand({
  name: "simulate",
  about:
    "Sends seeded, realistic events to serve, one a request, and prints what became of them. Exits 1 if any event was not acked.\n" +
    "The same seed makes the same events, ids and timestamps included; runs with different seeds share no id.",
  options: simulateOptions,
  async run(options, stop) {
    const summary = await simulate(options, stop);
    await Bun.write(Bun.stdout, options.json ? `${JSON.stringify(summary)}\n` : summaryText(summary));
    const sentence = endingText(summary);
    // The text already ends with it; a program that reads the JSON leaves its user the sentence on standard error.
    if (options.json && sentence) process.stderr.write(`simulate: ${sentence}\n`);
    return isAllAcked(summary) ? 0 : 1;
  },
});
