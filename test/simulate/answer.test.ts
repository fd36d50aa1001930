/** How an answer, or the lack of one, is read: acked, certainly refused, or unknown. */
import { expect, test } from "bun:test";
import { readAnswer, readFailure } from "../../src/simulate/answer.ts";

const good = { id: "a", status: "acked", topic: "events", partition: 3, offset: 17 };

test("a receipt acks only when it is this event's, whole, and says acked", () => {
  const read = (receipt: unknown, status = 202) => readAnswer(status, JSON.stringify(receipt), "a");
  expect(read(good)).toMatchObject({ kind: "acked" });
  // Kafka may ack without telling the offset.
  expect(read({ ...good, offset: null })).toMatchObject({ kind: "acked" });
  const bad = [
    { ...good, id: "b" },
    { ...good, status: "tacked" },
    { ...good, topic: undefined },
    { ...good, partition: -1 },
    { ...good, offset: "17" },
    { id: "a" },
    [],
    7,
    null,
  ];
  for (const receipt of bad) expect(read(receipt)).toMatchObject({ kind: "unknown", reason: "bad_receipt" });
  expect(read(good, 200)).toMatchObject({ kind: "unknown", reason: "bad_receipt" });
  expect(readAnswer(202, "{", "a")).toMatchObject({ kind: "unknown", reason: "bad_receipt" });
});

test("filed is acked; what only serve has is not, and says which", () => {
  const read = (receipt: object) => readAnswer(202, JSON.stringify(receipt), "a");
  expect(read({ ...good, status: "filed" })).toMatchObject({ kind: "acked" });
  for (const status of ["spooled", "queued"]) {
    expect(read({ id: "a", status, topic: "events" })).toMatchObject({ kind: "unknown", reason: status });
    expect(read({ id: "b", status, topic: "events" })).toMatchObject({ kind: "unknown", reason: "bad_receipt" });
  }
});

test.each([
  [503, '{"code":"kafka_unreachable","status":503}', "refused", "kafka_unreachable"],
  [422, '{"code":"wrong_type"}', "refused", "wrong_type"],
  [504, '{"code":"outcome_unknown"}', "unknown", "outcome_unknown"],
  [400, "", "refused", "http_400"],
  [404, "<html>", "refused", "http_404"],
  [307, "", "refused", "http_307"],
  [503, undefined, "refused", "http_503"],
  [500, "oops", "unknown", "http_500"],
  [502, '{"code":5}', "unknown", "http_502"],
  [503, '{"code":"<b>not a code</b>"}', "refused", "http_503"],
] as const)("%i %p is %s for %s", (status, text, kind, reason) => {
  expect(readAnswer(status, text, "a")).toEqual({ kind, reason, isConnected: true });
});

test("a failure before the connection is a refusal, any other is unknown", () => {
  const failure = (code: string) => readFailure(Object.assign(new TypeError("failed"), { code }));
  expect(failure("ECONNREFUSED")).toEqual({ kind: "refused", reason: "connection_refused", isConnected: false });
  expect(failure("ENOTFOUND")).toEqual({ kind: "refused", reason: "host_not_found", isConnected: false });
  expect(failure("ECONNRESET")).toEqual({ kind: "unknown", reason: "connection_reset", isConnected: true });
  expect(failure("ETIMEDOUT")).toEqual({ kind: "unknown", reason: "etimedout", isConnected: true });
  expect(readFailure("what?")).toEqual({ kind: "unknown", reason: "request_failed", isConnected: true });
});
