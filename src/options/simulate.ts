/** Options of `bun run simulate`. */
import { logLevel } from "./common.ts";
import { integer, integerOr, onOff, text, textOr } from "./core.ts";

function urlProblem(value: string): string | undefined {
  const url = URL.parse(value);
  return url && (url.protocol === "http:" || url.protocol === "https:")
    ? undefined
    : "must be an http or https address";
}

export const simulateOptions = {
  events: integer({
    flag: "events",
    placeholder: "<count>",
    min: 1,
    max: 1_000_000_000,
    default: 10_000,
    help: "events to send",
  }),
  concurrency: integer({
    flag: "concurrency",
    placeholder: "<count>",
    min: 1,
    max: 10_000,
    default: 64,
    help: "requests under way at once",
  }),
  rate: integer({
    flag: "rate",
    placeholder: "<events/s>",
    min: 0,
    max: 10_000_000,
    default: 0,
    help: "events a second at the most; 0 is as fast as answers come",
  }),
  url: text({
    flag: "url",
    placeholder: "<url>",
    default: "http://127.0.0.1:8000",
    help: "the address of serve",
    check: urlProblem,
  }),
  apiKey: textOr({
    flag: "api-key",
    placeholder: "<key>",
    defaultText: "none",
    help: "sent with every event; best as API_KEY in the environment, where others do not see it",
    check: (value) => (/^[\x21-\x7e]+$/.test(value) ? undefined : "must be printable ASCII without spaces"),
  }),
  requestTimeoutMs: integer({
    flag: "request-timeout-ms",
    placeholder: "<ms>",
    min: 100,
    max: 3_600_000,
    default: 30_000,
    help: "how long an answer is waited for; above serve's delivery timeout",
  }),
  seed: integerOr({
    flag: "seed",
    placeholder: "<n>",
    min: 0,
    max: 4_294_967_295,
    defaultText: "drawn at random, and printed",
    help: "the same seed makes the same events, with the same ids",
  }),
  json: onOff({ flag: "json", help: "print the summary as one JSON object" }),
  logLevel,
};
