/** The numbered events that chaos sends: from its id alone anybody can say what an event must look like, in the topic and in a log. */

/** One sequence of events, sent one after the other. */
export interface Lane {
  readonly name: string;
  /** Whether its events have a key (the lane's name), and so an order. */
  readonly isKeyed: boolean;
  /** Sends an event again, with the same id, until it is kept. The others take the first answer for an answer. */
  readonly isPatient: boolean;
}

/** Senders are told apart by name; each has lanes with a key and one without. */
export function lanesOf(senders: number, lanesEach: number): Lane[] {
  return Array.from({ length: senders * lanesEach }, (_, i) => {
    const [sender, lane] = [Math.floor(i / lanesEach), i % lanesEach];
    // The last sender is an impatient one.
    return { name: `s${sender}l${lane}`, isKeyed: lane > 0, isPatient: sender < senders - 1 };
  });
}

export function idOf(lane: string, n: number): string {
  return `${lane}-${n}`;
}

const FILL = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(4);

/** The body, and so the record's value, of the event with this id. */
export function bodyOf(id: string): string {
  // Lengths differ, so that no two batches are cut at the same places.
  const length = Number(Bun.hash(id) % 100n);
  return `{"id":"${id}","event_type":"chaos","metadata":{"fill":"${FILL.slice(0, length)}"}}`;
}

/** The number at the end of an id. */
export function numberOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}
