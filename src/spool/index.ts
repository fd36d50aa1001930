/**
 * The spool: events wait here on this machine's disk while Kafka is away, and go to Kafka when it is back, in the order in which they
 * came. `put` answers when the event is on the disk. From then on it reaches Kafka at least once: it is removed only after its
 * acknowledgement, whatever ends in between.
 *
 * It knows neither HTTP nor Kafka: it is given a `publish`.
 */
export type { DrainOptions, PublishRecords, SpoolOutcome } from "./drainer.ts";
export { spoolsOfOthers } from "./others.ts";
export { rowBytes, type SpooledRecord } from "./record.ts";
export { Spool, type SpoolFill, type SpoolOptions } from "./spool.ts";
export { SpoolError } from "./store.ts";
