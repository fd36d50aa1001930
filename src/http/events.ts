/** From a body, whole and decoded, to the events in it. */
import {
  type Checked,
  checkBinaryCloudEvent,
  checkPlainEvent,
  checkStructuredCloudEvent,
  type EventRules,
  type Slices,
  splitArray,
  splitLines,
} from "../event/index.ts";
import { cloudEventAttributes, type Intake } from "./intake.ts";
import { detachedText, type Incoming } from "./message.ts";
import type { Problem } from "./problem.ts";

/** A list of at least one, in the order of the body; or what is wrong with the body as a whole. */
export function readEvents(
  request: Incoming,
  body: Uint8Array,
  intake: Intake,
  rules: EventRules,
  maxBatchEvents: number,
): readonly Checked[] | Problem {
  switch (intake.format) {
    case "event":
      return [checkPlainEvent(body, rules, "the body")];
    case "array":
      return each(splitArray(body, maxBatchEvents), maxBatchEvents, (bytes) =>
        checkPlainEvent(bytes, rules, "the event"),
      );
    case "lines":
      return each(splitLines(body, maxBatchEvents), maxBatchEvents, (bytes) =>
        checkPlainEvent(bytes, rules, "the line"),
      );
    case "cloudevents":
      return each(splitArray(body, maxBatchEvents), maxBatchEvents, (bytes) =>
        checkStructuredCloudEvent(bytes, rules, "the event"),
      );
    case "cloudevent":
      return [checkStructuredCloudEvent(body, rules, "the body")];
    case "binary-cloudevent": {
      const attributes = cloudEventAttributes(request.headers);
      if (!(attributes instanceof Map)) return attributes;
      const type = request.headers.get("content-type");
      return [checkBinaryCloudEvent(attributes, type && detachedText(type), body, rules)];
    }
  }
}

function each(
  found: Slices | Problem,
  max: number,
  check: (bytes: Uint8Array) => Checked,
): readonly Checked[] | Problem {
  if ("code" in found) return found;
  if (found.count <= max) return found.slices.map(check);
  return {
    code: "batch_too_large",
    detail: `the batch holds ${found.count} events; max_batch_events is ${max}`,
    limit: { name: "max_batch_events", max, actual: found.count },
  };
}
