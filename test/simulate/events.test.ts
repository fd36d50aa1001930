/** The events: the same from the same seed, byte for byte; plausible as a whole; unique where they must be. */
import { describe, expect, test } from "bun:test";
import { createEventSource, eventId } from "../../src/simulate/events.ts";

interface Event {
  id: string;
  event_type: string;
  user_id: string;
  session_id: string;
  timestamp: string;
  metadata: Record<string, unknown>;
}

function bodies(seed: number, count: number): string[] {
  const source = createEventSource(seed);
  return Array.from({ length: count }, () => source.next().body);
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

describe("a seed", () => {
  test("makes the same events again, and a longer run begins with the shorter one", () => {
    expect(bodies(7, 2_000).slice(0, 500)).toEqual(bodies(7, 500));
  });

  test("makes these very bytes, on every machine", () => {
    // Another hash means that every seed now makes other events than before: allowed, but for the changelog.
    const hash = new Bun.CryptoHasher("sha256").update(bodies(42, 10_000).join("\n")).digest("hex");
    expect(hash).toBe("ad44b9a0e573cbf310ef5fa17cab503c1b8f19068566de5e3a3dd3c534768917");
  });

  test("shares no id and no body with another seed", () => {
    const both = [...bodies(1, 5_000), ...bodies(2, 5_000)];
    expect(new Set(both).size).toBe(10_000);
    expect(new Set(both.map((body) => (JSON.parse(body) as Event).id)).size).toBe(10_000);
  });

  test("at its limits still makes a UUID of version 8", () => {
    for (const id of [eventId(0, 0), eventId(4_294_967_295, 999_999_999)]) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(eventId(42, 255)).toBe("0000002a-0000-8000-8000-0000000000ff");
  });
});

describe("ten thousand events", () => {
  const texts = bodies(42, 10_000);
  const events = texts.map((body) => JSON.parse(body) as Event);

  test("have the members that serve checks, in RFC 3339 time that never goes back", () => {
    let before = "";
    for (const event of events) {
      expect(event.user_id).toMatch(/^user-\d+$/);
      expect(typeof event.metadata).toBe("object");
      expect(new Date(event.timestamp).toISOString()).toBe(event.timestamp);
      expect(event.timestamp >= before).toBeTrue();
      before = event.timestamp;
    }
  });

  test("come in the types' proportions", () => {
    const perType = Object.fromEntries(countBy(events, (event) => event.event_type));
    const expected = {
      page_view: 5_200,
      click: 2_100,
      search: 1_000,
      add_to_cart: 700,
      error: 500,
      purchase: 300,
      signup: 200,
    };
    expect(Object.keys(perType).sort()).toEqual(Object.keys(expected).sort());
    // Four standard deviations of a binomial, so that another seed would pass as well.
    for (const [type, count] of Object.entries(expected)) {
      expect(Math.abs((perType[type] ?? 0) - count)).toBeLessThan(4 * Math.sqrt(count));
    }
  });

  test("come from few busy users and many rare ones, in sessions of one user each", () => {
    const perUser = [...countBy(events, (event) => event.user_id).values()].sort((a, b) => b - a);
    const share = (users: number) => perUser.slice(0, users).reduce((sum, count) => sum + count, 0) / events.length;
    expect(perUser.length).toBeGreaterThan(1_000);
    expect(share(1)).toBeWithin(0.08, 0.14);
    expect(share(100)).toBeWithin(0.5, 0.65);
    const sessions = new Set(events.map((event) => event.session_id));
    expect(sessions.size).toBeGreaterThan(perUser.length);
    for (const event of events) expect(event.session_id.startsWith(`${event.user_id}-session-`)).toBeTrue();
  });

  test("vary in size, and some are not ASCII, nested, or without metadata", () => {
    const sizes = texts.map((body) => Buffer.byteLength(body)).sort((a, b) => a - b);
    expect(sizes[0]).toBeLessThan(200);
    expect(sizes.at(-1)).toBeGreaterThan(1_500);
    expect(texts.some((body) => /[^\x00-\x7f]/.test(body))).toBeTrue();
    expect(events.some((event) => Array.isArray(event.metadata.items))).toBeTrue();
    expect(events.some((event) => Object.keys(event.metadata).length === 0)).toBeTrue();
    // Text that does not survive UTF-8 would reach the topic as other bytes than were made.
    for (const body of texts) expect(body.isWellFormed()).toBeTrue();
  });
});
