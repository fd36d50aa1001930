/** Options of `bun run serve` about the spool. */
import { integer, textOr } from "./core.ts";

export const spoolOptions = {
  spool: textOr({
    flag: "spool",
    placeholder: "<folder>",
    defaultText: "none: while Kafka is away events are refused",
    help: "where events wait on disk while Kafka is away or slow; they are answered 202 with status spooled",
  }),
  spoolAfterMs: integer({
    flag: "spool-after-ms",
    placeholder: "<ms>",
    min: 0,
    max: 200_000,
    default: 2000,
    help: "events go to the spool, too, while the oldest unanswered one is older than this",
  }),
  spoolMaxBytes: integer({
    flag: "spool-max-bytes",
    placeholder: "<bytes>",
    min: 100_000,
    max: 1e15,
    default: 1_000_000_000,
    help: "what the spool may hold; past it 503",
  }),
};
