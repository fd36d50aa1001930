/**
 * The loss oracle: what the topic and the logs hold, against what each event's sender was told. Pure functions. What nobody could
 * promise (a copy that landed after its sender was told "unknown", say) is counted apart, as residual; everything else that is not as
 * promised is a fault.
 */
import { bodyOf } from "./events.ts";

export interface Receipt {
  readonly partition: number;
  readonly offset: number | null;
  readonly isPossibleDuplicate: boolean;
}

/** An event, and what its sender was told of it in the end. */
export interface SentEvent {
  readonly id: string;
  readonly key: string | null;
  readonly n: number;
  readonly told: "acked" | "spooled" | "refused" | "unknown";
  readonly receipt: Receipt | undefined;
  /** Attempts that were answered "unknown". */
  readonly unknowns: number;
  /** Attempts that were not answered: the connection was cut. */
  readonly cuts: number;
}

export interface FoundRecord {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly key: string | null;
  readonly value: string;
  /** Carries the header `possible_duplicate`. */
  readonly isMarked: boolean;
}

export interface TopicRules {
  /** serve recognises retries: where an attempt was cut off, its retry makes no second record. */
  readonly dedupes: boolean;
  /** The number of partitions was raised meanwhile: keys move. */
  readonly partitionsRaised: boolean;
  /** The broker claims to have records that it has not (the mock cluster, with some injected errors): acks without an offset prove nothing. */
  readonly brokerLies: boolean;
}

export interface TopicVerdict {
  events: number;
  attemptsUnknown: number;
  attemptsCut: number;
  acked: number;
  spooled: number;
  refused: number;
  unknown: number;
  records: number;
  /** Acked or spooled, and not there. */
  lost: number;
  duplicated: number;
  reordered: number;
  unexpected: number;
  residual: {
    /** Further copies, of events of which an attempt was answered "unknown". */
    afterUnknown: number;
    /** Further copies, of events whose sender was cut off, where serve recognises no retries. */
    afterCut: number;
    /** Further copies of events that were spooled: at least once. */
    spooled: number;
    /** Told "unknown" in the end, and there. */
    unknownLanded: number;
    /** Keys that went to another partition when the number of partitions was raised. */
    movedKeys: number;
    /** Acked without an offset by a broker that lied. */
    liedAbout: number;
  };
  /** Sentences about the first faults. */
  faults: string[];
}

const FAULTS_MAX = 20;

function say(faults: string[], sentence: string): void {
  if (faults.length < FAULTS_MAX) faults.push(sentence);
}

export function judgeTopic(
  sent: ReadonlyMap<string, SentEvent>,
  records: readonly FoundRecord[],
  rules: TopicRules,
): TopicVerdict {
  const verdict = emptyTopicVerdict();
  verdict.records = records.length;
  const copies = new Map<string, FoundRecord[]>();
  for (const record of records) {
    const event = sent.get(record.id);
    if (event === undefined) {
      verdict.unexpected++;
      say(verdict.faults, `${placeOf(record)} holds ${record.id}, which nobody sent`);
      continue;
    }
    if (record.value !== bodyOf(record.id) || record.key !== event.key) {
      verdict.unexpected++;
      say(verdict.faults, `${placeOf(record)}: ${record.id} is not what was sent: ${record.key} ${record.value}`);
    }
    const known = copies.get(record.id);
    if (known) known.push(record);
    else copies.set(record.id, [record]);
  }
  for (const event of sent.values()) judgeEvent(event, copies.get(event.id) ?? [], rules, verdict);
  judgeOrder(sent, records, rules, verdict);
  return verdict;
}

export function emptyTopicVerdict(): TopicVerdict {
  return {
    events: 0,
    attemptsUnknown: 0,
    attemptsCut: 0,
    acked: 0,
    spooled: 0,
    refused: 0,
    unknown: 0,
    records: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    unexpected: 0,
    residual: { afterUnknown: 0, afterCut: 0, spooled: 0, unknownLanded: 0, movedKeys: 0, liedAbout: 0 },
    faults: [],
  };
}

function judgeEvent(event: SentEvent, copies: readonly FoundRecord[], rules: TopicRules, verdict: TopicVerdict): void {
  verdict.events++;
  verdict[event.told]++;
  verdict.attemptsUnknown += event.unknowns;
  verdict.attemptsCut += event.cuts;
  if (copies.length === 0) {
    if (event.told !== "acked" && event.told !== "spooled") return;
    if (rules.brokerLies && event.receipt?.offset === null) {
      verdict.residual.liedAbout++;
      return;
    }
    verdict.lost++;
    say(verdict.faults, `${event.id} was ${event.told}${receiptText(event.receipt)} and is not in the topic`);
    return;
  }
  if (event.told === "refused") {
    verdict.unexpected++;
    say(verdict.faults, `${event.id} was refused, and is at ${copies.map(placeOf).join(", ")}`);
  }
  if (event.told === "unknown") verdict.residual.unknownLanded++;
  judgeReceipt(event, copies, verdict);
  countCopies(event, copies, rules, verdict);
}

function judgeReceipt({ id, receipt }: SentEvent, copies: readonly FoundRecord[], verdict: TopicVerdict): void {
  if (receipt === undefined || receipt.offset === null) return;
  if (copies.some(({ partition, offset }) => partition === receipt.partition && offset === receipt.offset)) return;
  verdict.unexpected++;
  say(verdict.faults, `${id}: the receipt says ${placeOf(receipt)}, and it is at ${copies.map(placeOf).join(", ")}`);
}

function countCopies(event: SentEvent, copies: readonly FoundRecord[], rules: TopicRules, verdict: TopicVerdict): void {
  const further = copies.length - 1;
  if (further === 0) return;
  const isMarked = event.receipt?.isPossibleDuplicate || copies.some((copy) => copy.isMarked);
  if (event.unknowns > 0 || isMarked) verdict.residual.afterUnknown += further;
  else if (event.told === "spooled") verdict.residual.spooled += further;
  else if (event.cuts > 0 && !rules.dedupes) verdict.residual.afterCut += further;
  else {
    verdict.duplicated += further;
    const history = event.cuts > 0 ? `, ${event.cuts} attempts cut off` : "";
    say(
      verdict.faults,
      `${event.id} (${event.told}${history}) is there ${copies.length} times: ${copies.map(placeOf)}`,
    );
  }
}

/** By key and partition, by the first copy of each event that its sender knows to be kept. */
function judgeOrder(
  sent: ReadonlyMap<string, SentEvent>,
  records: readonly FoundRecord[],
  rules: TopicRules,
  verdict: TopicVerdict,
): void {
  const seen = new Set<string>();
  const last = new Map<string, FoundRecord>();
  const partitions = new Map<string, Set<number>>();
  for (const record of [...records].sort((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const event = sent.get(record.id);
    if (event === undefined || event.key === null || seen.has(event.id)) continue;
    seen.add(event.id);
    if (event.told !== "acked" && event.told !== "spooled") continue;
    partitions.set(event.key, (partitions.get(event.key) ?? new Set()).add(record.partition));
    const place = `${event.key} ${record.partition}`;
    const before = last.get(place);
    if (before && sent.get(before.id)!.n > event.n) {
      verdict.reordered++;
      say(verdict.faults, `${placeOf(record)}: ${event.id} comes behind ${before.id} (${placeOf(before)})`);
    } else last.set(place, record);
  }
  for (const [key, places] of partitions) {
    if (places.size === 1) continue;
    if (rules.partitionsRaised) verdict.residual.movedKeys++;
    else {
      verdict.reordered++;
      say(verdict.faults, `the key ${key} is in several partitions: ${[...places]}`);
    }
  }
}

function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number | null }): string {
  return `${partition}/${offset}`;
}

function receiptText(receipt: Receipt | undefined): string {
  return receipt ? ` (${placeOf(receipt)})` : "";
}
