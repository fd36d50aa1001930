/**
 * What Kafka refused for its size, a batch of several records, goes again in smaller ones, down to the one record that is itself
 * too large. librdkafka does not split, and puts into its next batch what waits in it. So while a topic is being split its records
 * pass chunk by chunk: the next is handed over when librdkafka has nothing of the topic left, and what comes new waits behind.
 * The first chunk is one record; they grow while Kafka takes them, and stay below what it has refused.
 *
 * Of what passes here no record overtakes another, with one exception: where a chunk is too large and librdkafka makes two batches of
 * it, Kafka may take the second. And what librdkafka had already, behind the refused batch, goes ahead of it.
 *
 * Bookkeeping only, of slots (producer-client.ts).
 */

interface Lane {
  /** In librdkafka. */
  readonly out: Set<number>;
  /** Back from there, to go again before what waits. */
  returned: number[];
  waiting: number[];
  /** How many of `waiting` are gone. */
  head: number;
  /** Of the chunk in librdkafka; 0 where a batch of it was refused, or it is none of ours. */
  chunkBytes: number;
}

/** Kept by topic, so that the next time need not find it again. */
interface Size {
  /** Of the smallest batch that was refused. */
  refusedBytes: number;
  /** A chunk is one record, or no larger than this. */
  chunkBytes: number;
}

const CHUNK_RECORDS_MAX = 1000;
/** Of one record in a batch, at the least; what a record is counted for beside its bytes. */
const RECORD_OVERHEAD_BYTES = 20;

export class Splitter {
  readonly #lanes = new Map<string, Lane>();
  readonly #sizes = new Map<string, Size>();
  readonly #sizeOf: (slot: number) => number;

  /** `sizeOf`: a slot's record, in bytes. */
  constructor(sizeOf: (slot: number) => number) {
    this.#sizeOf = sizeOf;
  }

  /** No topic is being split. */
  get isIdle(): boolean {
    return this.#lanes.size === 0;
  }

  /** Kafka refused these, one whole batch of the topic and at least two. `inFlight` is what librdkafka still has of the topic. */
  split(topic: string, refused: readonly number[], inFlight: () => Set<number>): void {
    let lane = this.#lanes.get(topic);
    if (lane === undefined) {
      lane = { out: inFlight(), returned: [], waiting: [], head: 0, chunkBytes: 0 };
      this.#lanes.set(topic, lane);
    }
    let bytes = 0;
    for (const slot of refused) {
      lane.out.delete(slot);
      lane.returned.push(slot);
      bytes += this.#sizeOf(slot) + RECORD_OVERHEAD_BYTES;
    }
    lane.chunkBytes = 0;
    const size = this.#sizes.get(topic);
    const refusedBytes = Math.min(bytes, size?.refusedBytes ?? bytes);
    this.#sizes.set(topic, { refusedBytes, chunkBytes: Math.min(size?.chunkBytes ?? 0, refusedBytes / 2) });
  }

  /** Whether the slot's new record has to wait, as its topic is being split. */
  hold(topic: string, slot: number): boolean {
    const lane = this.#lanes.get(topic);
    lane?.waiting.push(slot);
    return lane !== undefined;
  }

  /** The same for a record that came back from librdkafka for another reason and is to go again. */
  takeBack(topic: string, slot: number): boolean {
    const lane = this.#lanes.get(topic);
    lane?.out.delete(slot);
    lane?.returned.push(slot);
    return lane !== undefined;
  }

  /** The slot's record has its outcome. */
  forget(topic: string, slot: number): void {
    this.#lanes.get(topic)?.out.delete(slot);
  }

  /** The next chunk to hand to librdkafka, of whichever topic; none while all of them wait for reports. */
  next(): readonly number[] {
    for (const [topic, lane] of this.#lanes) {
      if (lane.out.size > 0) continue;
      const size = this.#sizes.get(topic)!;
      size.chunkBytes = Math.min(Math.max(size.chunkBytes, lane.chunkBytes * 2), size.refusedBytes / 2);
      const chunk = nextChunk(lane, size.chunkBytes, this.#sizeOf);
      if (chunk.length > 0) return chunk;
      this.#lanes.delete(topic);
    }
    return [];
  }

  /** Ends all splitting. Returns what is not in librdkafka. */
  abandon(): readonly number[] {
    const waiting = [...this.#lanes.values()].flatMap((lane) => [...lane.returned, ...lane.waiting.slice(lane.head)]);
    this.#lanes.clear();
    return waiting;
  }
}

function nextChunk(lane: Lane, maxBytes: number, sizeOf: (slot: number) => number): number[] {
  if (lane.returned.length > 0) {
    lane.waiting = [...lane.returned, ...lane.waiting.slice(lane.head)];
    lane.returned = [];
    lane.head = 0;
  }
  const chunk: number[] = [];
  lane.chunkBytes = 0;
  while (lane.head < lane.waiting.length && chunk.length < CHUNK_RECORDS_MAX) {
    const slot = lane.waiting[lane.head]!;
    const bytes = sizeOf(slot) + RECORD_OVERHEAD_BYTES;
    if (chunk.length > 0 && lane.chunkBytes + bytes > maxBytes) break;
    lane.chunkBytes += bytes;
    chunk.push(slot);
    lane.out.add(slot);
    lane.head++;
  }
  // A lane lasts as long as traffic leaves no gap: what was let go of must not stay in it.
  if (lane.head >= CHUNK_RECORDS_MAX && 2 * lane.head >= lane.waiting.length) {
    lane.waiting = lane.waiting.slice(lane.head);
    lane.head = 0;
  }
  return chunk;
}
