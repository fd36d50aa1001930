/** Options of `bun run consume` about a handler of one's own. */
import { topicProblem } from "./common.ts";
import { integer, text, textOr } from "./core.ts";

export const handlerOptions = {
  handler: textOr({
    flag: "handler",
    placeholder: "<file.ts>",
    defaultText: "none",
    help: "a file whose default export is called with the records, batch by batch, before their lines are written (docs/HANDLERS.md)",
  }),
  handlerRetries: integer({
    flag: "handler-retries",
    placeholder: "<count>",
    min: 0,
    max: 1000,
    default: 3,
    help: "how often a batch that the handler fails at is tried again, and then each of its records alone",
  }),
  handlerBackoffMs: integer({
    flag: "handler-backoff-ms",
    placeholder: "<ms>",
    min: 0,
    max: 60_000,
    default: 100,
    help: "the pause before a handler is tried again; doubled each time, up to 10 s",
  }),
  handlerTimeoutMs: integer({
    flag: "handler-timeout-ms",
    placeholder: "<ms>",
    min: 10,
    max: 86_400_000,
    default: 60_000,
    help: "how long a call of the handler may take; past it the call counts as failed",
  }),
  deadLetterTopic: text({
    flag: "dead-letter-topic",
    placeholder: "<topic>",
    default: "events.failed",
    help: "where records go that the handler cannot do with",
    check: topicProblem,
  }),
};
