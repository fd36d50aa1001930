/** What of serve's options can only be judged of several together. */
import { expect, test } from "bun:test";
import { parseOptions } from "../../src/options/core.ts";
import { checkServe, serveOptions } from "../../src/options/serve.ts";

const check = (...args: string[]) => checkServe(parseOptions(serveOptions, args, {}));

test.each([
  [["--linger-ms", "3000", "--delivery-timeout-ms", "5000"], "--linger-ms 3000"],
  [["--max-event-bytes", "2000000", "--max-pending-bytes", "1000000"], "--max-pending-bytes 1000000"],
  [["--dead-letter", "--dead-letter-topic", "events"], "--dead-letter-topic events"],
  [["--dead-letter", "--dead-letter-topic", "b", "--topics", "a,b"], "--dead-letter-topic b"],
  [["--tls-cert", "x"], "--tls-cert needs --tls-key"],
  [["--host", "0.0.0.0"], "--open"],
])("%p is refused", (args, sentence) => {
  expect(() => check(...args)).toThrow(sentence);
});

test.each([
  [[]],
  [["--dead-letter", "--topics", "a,b"]],
  // Without dead letters it is nobody's topic.
  [["--dead-letter-topic", "events"]],
  [["--host", "0.0.0.0", "--open"]],
])("%p is taken", (args) => {
  expect(() => check(...args)).not.toThrow();
});
