/** `bun run demo`: the whole system once, with a verdict. Exit 0 only where everything sent was acked and logged, once. */
import { runCommand } from "./command.ts";
import { demo } from "./demo/index.ts";
import { kafkaProperties } from "./kafka-config.ts";
import { demoOptions } from "./options/demo.ts";

await runCommand({
  name: "demo",
  about: "Runs broker, serve, consume and simulate as real processes, and says what became of every event.",
  options: demoOptions,
  run: (options, stop) => {
    // For its mistakes only: serve and consume read it themselves.
    kafkaProperties(options.kafkaConfig, () => []);
    return demo(options, stop, (line) => process.stderr.write(`${line}\n`));
  },
});
