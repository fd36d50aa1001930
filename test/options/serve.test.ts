/** What of serve's options can only be judged of several together. */
import { expect, test } from "bun:test";
import { parseOptions } from "../../src/options/core.ts";
import { shareOf } from "../../src/options/processes.ts";
import { checkServe, serveOptions } from "../../src/options/serve.ts";

const check = (...args: string[]) => checkServe(parseOptions(serveOptions, args, {}));

test.each([
  [["--linger-ms", "3000", "--delivery-timeout-ms", "5000"], "--linger-ms 3000"],
  [["--max-event-bytes", "2000000", "--max-pending-bytes", "1000000"], "--max-pending-bytes 1000000"],
  [["--dead-letter", "--dead-letter-topic", "events"], "--dead-letter-topic events"],
  [["--dead-letter", "--dead-letter-topic", "b", "--topics", "a,b"], "--dead-letter-topic b"],
  [["--tls-cert", "x"], "--tls-cert needs --tls-key"],
  [["--host", "0.0.0.0"], "--open"],
  [["--processes", "2", "--dedupe-window", "1000"], "--dedupe-window needs --processes 1"],
  [["--processes", "2", "--max-pending-bytes", "1999999"], "give at least 2000000"],
  [["--processes", "2", "--max-pending-events", "1"], "--max-pending-events 1"],
  [["--processes", "16"], "--max-memory-mb 1000 leaves each of 16 processes 62"],
  [["--processes", "2", "--spool", "x", "--spool-max-bytes", "199999"], "--spool-max-bytes 199999"],
])("%p is refused", (args, sentence) => {
  expect(() => check(...args)).toThrow(sentence);
});

test.each([
  [[]],
  [["--dead-letter", "--topics", "a,b"]],
  // Without dead letters it is nobody's topic.
  [["--dead-letter-topic", "events"]],
  [["--host", "0.0.0.0", "--open"]],
  [["--processes", "2", "--max-pending-bytes", "2000000"]],
  [["--processes", "16", "--max-memory-mb", "1600"]],
  // Without a spool nobody shares it.
  [["--processes", "2", "--spool-max-bytes", "199999"]],
])("%p is taken", (args) => {
  expect(() => check(...args)).not.toThrow();
});

test("what is limited for all is divided; what is limited for one request or event is not", () => {
  const given = parseOptions(serveOptions, ["--processes", "3", "--max-pending-events", "100"], {});
  expect(shareOf(given)).toEqual({
    ...given,
    maxPendingEvents: 33,
    maxPendingBytes: Math.floor(given.maxPendingBytes / 3),
    maxMemoryMb: 333,
    spoolMaxBytes: Math.floor(given.spoolMaxBytes / 3),
  });
});
