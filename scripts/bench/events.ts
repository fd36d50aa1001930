/** The events that are sent: of any size, always the same, and about as compressible as real ones (half of it is hexadecimal noise). */

/** The size that most suites take. */
export const EVENT_BYTES = 153;
export const BATCH_EVENTS = 1000;
/** The smallest that holds the members below. */
export const EVENT_BYTES_MIN = 90;

/** One JSON object of exactly that many bytes; without an id, so that serve gives it one. */
export function eventOf(bytes: number, index = 0): string {
  if (bytes < EVENT_BYTES_MIN) throw new RangeError(`an event has at least ${EVENT_BYTES_MIN} bytes`);
  const user = String(index % 100_000).padStart(5, "0");
  const head = `{"event_type":"page_view","user_id":"user-${user}","metadata":{"page":"`;
  const tail = `"}}`;
  let page = "";
  for (let i = 0; page.length < bytes; i++) page += `/${Bun.hash(`${index}/${i}`).toString(16)}`;
  return head + page.slice(0, bytes - head.length - tail.length) + tail;
}

/** NDJSON: a batch. */
export function batchOf(events: number, bytes: number): string {
  return Array.from({ length: events }, (_, index) => `${eventOf(bytes, index)}\n`).join("");
}
