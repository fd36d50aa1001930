import { expect, test } from "bun:test";
import { refused } from "../../src/outcome.ts";
import { ofTopic } from "../../src/serve/spool.ts";

const gone = refused("not_delivered", "the record did not reach Kafka (ERR__UNKNOWN_TOPIC: Local: Unknown topic)");

test("a spooled event of a topic that neither serve nor Kafka has any more keeps nothing behind it", () => {
  expect(ofTopic(["events"], "old", gone)).toMatchObject({ status: "refused", code: "rejected_by_kafka" });
  // What may come back is tried again.
  expect(ofTopic(["events", "old"], "old", gone)).toBe(gone);
  const late = refused(
    "not_delivered",
    "the record did not reach Kafka (ERR__MSG_TIMED_OUT: Local: Message timed out)",
  );
  expect(ofTopic(["events"], "old", late)).toBe(late);
});
