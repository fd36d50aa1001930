/** From a client's bytes to events, or to what is wrong with them, for every format there is. A value is never re-serialised. */
export type { Slices } from "../json/index.ts";
export { splitArray, splitLines } from "./batch.ts";
export { checkBinaryCloudEvent, checkStructuredCloudEvent, MAX_CLOUDEVENT_ATTRIBUTES } from "./cloud-event.ts";
export type { Checked, EventDraft, EventProblem, EventRules, RecordHeader, SchemaProblem } from "./draft.ts";
export { checkPlainEvent } from "./plain-event.ts";
export { isRfc3339 } from "./rfc3339.ts";
export { EventSchema } from "./schema.ts";
