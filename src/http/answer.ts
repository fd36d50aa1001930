/** What became of events, as answers: a receipt or a problem for one, a list for several. */
import { type AcceptedEvent, eventBytes } from "../ingest/index.ts";
import { type Outcome, REASONS, type ReasonCode, type Settled } from "../outcome.ts";
import { type Answer, JSON_TYPE } from "./message.ts";
import { type Problem, problemAnswer, problemMembers } from "./problem.ts";

/** Of an event that is only known to be in the buffer (`?ack=queued`). */
export interface Queued {
  readonly status: "queued";
  readonly topic: string;
}

/** One event's end, as far as the answer tells it. */
export type Result = { readonly id: string; readonly end: Settled | Queued } | { readonly problem: Problem };

export function resultOf(outcome: Outcome, event: AcceptedEvent, maxEventBytes: number): Result {
  const { id } = event;
  if (outcome.status === "acked" || outcome.status === "spooled") return { id, end: outcome };
  const problem: Problem = { code: outcome.code, detail: outcome.detail, id };
  if (outcome.status === "refused" && outcome.limit) return { problem: { ...problem, limit: outcome.limit } };
  const actual = eventBytes(event);
  // What Kafka finds too large may be within the limit of ours.
  if (outcome.code !== "event_too_large" || actual <= maxEventBytes) return { problem };
  return { problem: { ...problem, limit: { name: "max_event_bytes", max: maxEventBytes, actual } } };
}

export interface HeaderSource {
  /** Headers that go with refusals of these codes. */
  headersFor(codes: ReadonlySet<ReasonCode>): Readonly<Record<string, string>>;
  /** No more requests are wanted on this connection. */
  readonly isClosing: boolean;
}

const LAST = { ...JSON_TYPE, connection: "close" };

export function answerOne(result: Result, source: HeaderSource): Answer {
  if ("problem" in result) return problemAnswer(result.problem, source.headersFor(new Set([result.problem.code])));
  const headers = source.isClosing ? LAST : JSON_TYPE;
  return { status: 202, headers, body: `{${receipt(result.id, result.end)}}` };
}

/** By hand: this is on every event's way, and only the id needs escapes (Kafka's topics are plain ASCII). */
function receipt(id: string, end: Settled | Queued): string {
  if (end.status !== "acked") return `"id":${JSON.stringify(id)},"status":"${end.status}","topic":"${end.topic}"`;
  const status = end.isFiled ? "filed" : "acked";
  const mark = end.isPossibleDuplicate ? ',"possible_duplicate":true' : "";
  const note = end.isFiled === false ? NOT_FILED : "";
  return `"id":${JSON.stringify(id)},"status":"${status}","topic":"${end.topic}","partition":${end.partition},"offset":${end.offset}${mark}${note}`;
}

const NOT_FILED = ',"note":"it is in Kafka; that its line is in the log file was not seen in time"';

/** 202 all taken, 207 some; where none: the status they share, else 422. */
export function answerMany(results: readonly Result[], listsReceipts: boolean, source: HeaderSource): Answer {
  const problems: string[] = [];
  const receipts: string[] = [];
  const codes = new Set<ReasonCode>();
  let unknown = 0;
  results.forEach((result, index) => {
    if ("problem" in result) {
      codes.add(result.problem.code);
      if (result.problem.code === "delivery_unknown") unknown++;
      problems.push(JSON.stringify({ index, ...problemMembers(result.problem) }));
    } else if (listsReceipts) receipts.push(`{"index":${index},${receipt(result.id, result.end)}}`);
  });
  const accepted = results.length - problems.length;
  const counts = `"accepted":${accepted},"refused":${problems.length - unknown},"unknown":${unknown}`;
  const listed = listsReceipts ? `,"receipts":[${receipts.join(",")}]` : "";
  return {
    status: problems.length === 0 ? 202 : accepted > 0 ? 207 : sharedStatus(codes),
    headers: { ...JSON_TYPE, ...source.headersFor(codes) },
    body: `{${counts},"problems":[${problems.join(",")}]${listed}}`,
  };
}

function sharedStatus(codes: ReadonlySet<ReasonCode>): number {
  const statuses = new Set<number>();
  // What was not published only because of its neighbours says nothing about the batch.
  for (const code of codes) if (code !== "batch_refused") statuses.add(REASONS[code].status);
  const [status, another] = statuses;
  return status !== undefined && another === undefined ? status : 422;
}
