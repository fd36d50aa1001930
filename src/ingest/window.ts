/**
 * The dedupe window: what became of the last N events, so that one sent again is not published again. Same is what has the same topic,
 * id (with CloudEvents: source and id) and value; the same id with another value is a conflict.
 *
 * A retry of an acked event gets the first one's outcome. A twin of one that is still under way joins it and gets the same outcome.
 * After "unknown" a retry is published, marked, since nobody knows. What was refused is not remembered: it is not in Kafka.
 */
import type { Outcome, Settled } from "../outcome.ts";
import type { AcceptedEvent, Receiver, RecordHeader } from "./event.ts";

/** The header of a record that may be there twice: the outcome of an earlier attempt is unknown. */
export const POSSIBLE_DUPLICATE_HEADER = "possible_duplicate";
const MARK: RecordHeader = [POSSIBLE_DUPLICATE_HEADER, "true"];
/** The source of a CloudEvent in the Kafka protocol binding's binary mode. */
export const SOURCE_HEADER = "ce_source";
/** Longer identities are kept as their hash, so that an entry has a bounded size. */
const IDENTITY_MAX = 120;

interface Waiting {
  readonly receiver: Receiver;
  readonly index: number;
}

/** A record of the topic, as far as the window wants to know of it. */
export interface FoundRecord {
  readonly topic: string;
  readonly id: string;
  /** Empty where the event is no CloudEvent. */
  readonly source: string;
  readonly digest: bigint;
  readonly partition: number;
  readonly offset: number;
}

export type Verdict =
  /** To be published, with `entry` as its receiver under the index `attempt`. */
  | { readonly kind: "publish"; readonly event: AcceptedEvent; readonly entry: Entry; readonly attempt: number }
  | { readonly kind: "known"; readonly outcome: Settled }
  | { readonly kind: "joined" }
  | { readonly kind: "refused" }
  | { readonly kind: "conflict" };

export class DedupeWindow {
  readonly maxEvents: number;
  /** Under way. As many as ingest admits. */
  readonly underWay = new Map<string, Entry>();
  /** Acked, or unknown; oldest first, at most `maxEvents`. */
  readonly #ended = new Map<string, Entry>();
  /** Whether it is known what the topic's tail holds. Until then nothing is taken: it might be there already. */
  isFilled = true;
  /** Requests that wait for a twin's outcome. */
  twins = 0;

  constructor(maxEvents: number) {
    this.maxEvents = maxEvents;
  }

  get events(): number {
    return this.#ended.size + this.underWay.size;
  }

  /** `hasRoom` is asked before a twin joins. */
  look(event: AcceptedEvent, receiver: Receiver, index: number, hasRoom: () => boolean): Verdict {
    const identity = identityOf(event.topic, event.id, sourceOf(event.headers));
    const digest = digestOf(event.value);
    const found = this.underWay.get(identity) ?? this.#ended.get(identity);
    if (found === undefined) return new Entry(this, identity, digest).begin(event, { receiver, index });
    if (found.digest !== digest) return { kind: "conflict" };
    if (found.outcome !== undefined && !found.isUnderWay) return { kind: "known", outcome: found.outcome };
    if (!found.isUnderWay) return found.begin(marked(event), { receiver, index });
    if (!hasRoom()) return { kind: "refused" };
    found.join({ receiver, index });
    return { kind: "joined" };
  }

  /** A record that was found in the topic at the start. The first one of an id counts. */
  remember(record: FoundRecord): void {
    const { topic, partition, offset } = record;
    const identity = identityOf(topic, record.id, record.source);
    if (this.#ended.has(identity)) return;
    this.keep(new Entry(this, identity, record.digest, { status: "acked", topic, partition, offset }));
  }

  /** An entry's way has ended, and its outcome is worth remembering. */
  keep(entry: Entry): void {
    this.underWay.delete(entry.identity);
    this.#ended.delete(entry.identity);
    this.#ended.set(entry.identity, entry);
    if (this.#ended.size <= this.maxEvents) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      return;
    }
  }

  forget(entry: Entry): void {
    this.underWay.delete(entry.identity);
    this.#ended.delete(entry.identity);
  }
}

/** One event and everybody who waits for its outcome. */
export class Entry implements Receiver {
  readonly #window: DedupeWindow;
  readonly identity: string;
  readonly digest: bigint;
  /** Where it is known to be; undefined while it is under way, or unknown. */
  outcome: Settled | undefined;
  #waiting: Waiting[] = [];
  #attempts = 0;
  /** Attempts that ended as "unknown" and of which nothing was heard since. */
  #unknown = 0;

  constructor(window: DedupeWindow, identity: string, digest: bigint, outcome?: Settled) {
    this.#window = window;
    this.identity = identity;
    this.digest = digest;
    this.outcome = outcome;
  }

  get isUnderWay(): boolean {
    return this.#waiting.length > 0;
  }

  begin(event: AcceptedEvent, waiting: Waiting): Verdict {
    this.#waiting = [waiting];
    this.#window.underWay.set(this.identity, this);
    return { kind: "publish", event, entry: this, attempt: ++this.#attempts };
  }

  join(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#window.twins++;
  }

  /** Ingest did not admit the attempt. */
  withdraw(): void {
    this.#attempts--;
    this.#end();
    if (this.#unknown > 0) this.#window.keep(this);
    else this.#window.forget(this);
  }

  receive(_attempt: number, given: Outcome): void {
    const isMarked = this.#attempts > 1;
    const outcome = given.status === "acked" && isMarked ? { ...given, isPossibleDuplicate: true as const } : given;
    const waiting = this.#end();
    if (outcome.status === "unknown") this.#unknown++;
    if (outcome.status === "acked" || outcome.status === "spooled") this.outcome ??= outcome;
    if (this.outcome !== undefined || this.#unknown > 0) this.#window.keep(this);
    else this.#window.forget(this);
    // Where word of an earlier attempt came meanwhile, that is what became of the event.
    const told = outcome.status === "acked" ? outcome : (this.outcome ?? outcome);
    for (const { receiver, index } of waiting) receiver.receive(index, told);
  }

  /** Kafka's word on an attempt that was answered "unknown" before it came. */
  learn(_attempt: number, outcome: Outcome): void {
    if (outcome.status === "unknown") return;
    this.#unknown--;
    if (outcome.status === "acked") this.outcome ??= outcome;
    else if (this.#unknown === 0 && !this.isUnderWay && this.outcome === undefined) this.#window.forget(this);
  }

  #end(): Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#window.twins -= waiting.length - 1;
    return waiting;
  }
}

function marked(event: AcceptedEvent): AcceptedEvent {
  return { ...event, headers: [...event.headers, MARK] };
}

/** Nul cannot be lost between the parts: a topic has none, and whoever puts one into a source or an id only meets himself. */
function identityOf(topic: string, id: string, source: string): string {
  const identity = `${topic}\0${source.length}\0${source}\0${id}`;
  if (identity.length <= IDENTITY_MAX) return identity;
  return new Bun.CryptoHasher("sha256").update(identity).digest("base64");
}

export function sourceOf(headers: readonly RecordHeader[]): string {
  for (const [name, value] of headers) if (name === SOURCE_HEADER) return value;
  return "";
}

/** 64 bits are enough to tell a client's two values for one id apart: nobody is kept out by them. */
export function digestOf(value: Uint8Array | null): bigint {
  return value === null ? -1n : (Bun.hash.xxHash3(value) as bigint);
}
