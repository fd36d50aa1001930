/**
 * One idempotent producer client of librdkafka, from its start to its end. Every record given to `publish` is settled exactly
 * once: at once where librdkafka does not take it, else when its delivery report comes, at the latest in `close`.
 */
import { type Outcome, refused } from "../outcome.ts";
import { type ProducerConfig, toProperties } from "./config.ts";
import { isTooLarge, notSplit, notTaken, outcomeOf } from "./delivery.ts";
import { requireFeatures } from "./features.ts";
import { type KafkaLog, logError, logLine } from "./log.ts";
import {
  ClientHandle,
  CODES,
  EVENT,
  type KafkaRecord,
  library,
  RecordWriter,
  ReportReader,
  STATUS,
  UnfitRecord,
} from "./native/index.ts";
import { recordBytes } from "./record-bytes.ts";
import { Republisher } from "./republisher.ts";
import { Splitter } from "./splitter.ts";
import { withinMs } from "./within-ms.ts";

export type Settle<R extends KafkaRecord> = (record: R, outcome: Outcome) => void;

/** What the records of one `publish` have in common. */
interface PublishCall {
  readonly settle: Settle<KafkaRecord>;
  readonly startedAt: number;
}

export interface ProducerHooks {
  readonly log: KafkaLog;
  /** This client sends nothing any more; whoever owns it makes another. */
  readonly onFatal: (message: string) => void;
  /** Kafka answered. */
  readonly onContact: () => void;
  /** Kafka refused a batch of several of the topic's records for its size. */
  readonly onBatchTooLarge: (topic: string, batch: { readonly records: number; readonly bytes: number }) => void;
}

export class ProducerClient {
  readonly #client: ClientHandle;
  readonly #writer: RecordWriter;
  readonly #reports = new ReportReader();
  readonly #hooks: ProducerHooks;
  // A slot a record in flight: what it is and with what it came. Slot n is known to librdkafka as n + 1.
  readonly #records: (KafkaRecord | undefined)[] = [];
  readonly #calls: (PublishCall | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #republisher = new Republisher();
  readonly #splitter = new Splitter((slot) => recordBytes(this.#records[slot]!));
  /** Of the event that is being read: what Kafka refused for its size. */
  #tooLarge: number[] = [];
  readonly #splitWithinMs: number;
  /** Of the event that is being read: whether Kafka acknowledged something. */
  #hasAcked = false;
  #hasGivenUp = false;
  #pending = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #closed: Promise<void> | undefined;
  /** Resolved when the first of `close`'s callers will wait for outcomes no longer. */
  readonly #patience = Promise.withResolvers<void>();

  /** Throws `ConfigurationError`. */
  constructor(config: ProducerConfig, hooks: ProducerHooks) {
    const properties = toProperties(config);
    requireFeatures(properties, library().info);
    this.#hooks = hooks;
    this.#splitWithinMs = Number(properties["message.timeout.ms"] ?? 0) / 2;
    this.#client = new ClientHandle("producer", properties, {
      onLog: (event) => logLine(hooks.log, "producer", event),
      onError: (event) => {
        logError(hooks.log, "producer", event);
        if (event.isFatal) hooks.onFatal(event.message);
      },
      onOther: (type, event) => {
        if (type === EVENT.DR) this.#readReports(event);
      },
    });
    this.#writer = new RecordWriter(this.#client);
    this.#client.watch();
  }

  /** Records without an outcome. */
  get pending(): number {
    return this.#pending;
  }

  publish<R extends KafkaRecord>(batch: readonly R[], settle: Settle<R>): void {
    const call: PublishCall = { settle: settle as unknown as Settle<KafkaRecord>, startedAt: performance.now() };
    for (const record of batch) {
      const slot = this.#freeSlots.pop() ?? this.#records.length;
      this.#records[slot] = record;
      this.#calls[slot] = call;
      this.#pending++;
      this.#add(slot);
    }
    this.#flush();
  }

  /** Packs the slot's record for librdkafka. Never throws: what librdkafka cannot have gets its outcome at once. */
  #add(slot: number): void {
    if (this.#closed) this.#settle(slot, refused("shutting_down", "the producer is closing"));
    else if (this.#splitter.isIdle || !this.#splitter.hold(this.#records[slot]!.topic, slot)) this.#packOrSettle(slot);
  }

  #packOrSettle(slot: number): void {
    const refusal = this.#pack(slot);
    if (refusal) this.#settle(slot, refusal);
  }

  #pack(slot: number): Outcome | undefined {
    const record = this.#records[slot]!;
    try {
      if (this.#writer.add(record, slot + 1)) return undefined;
      this.#flush();
      this.#writer.add(record, slot + 1);
      return undefined;
    } catch (cause) {
      if (cause instanceof UnfitRecord) return refused("rejected_by_kafka", cause.message);
      this.#hooks.log("error", "a record could not be handed to librdkafka", { error: String(cause) });
      return refused("internal_error", "the record could not be handed to the Kafka client");
    }
  }

  #flush(): void {
    for (const [opaque, errorCode] of this.#writer.flush()) this.#settle(opaque - 1, notTaken(errorCode));
  }

  #readReports(event: Parameters<ReportReader["read"]>[0]): void {
    this.#hasAcked = false;
    this.#reports.read(event, this.#onReport);
    if (this.#hasAcked) this.#hooks.onContact();
    if (this.#tooLarge.length > 0) this.#onTooLarge();
    // After the event: its reports are in the order of the records, and so these go out again in that order.
    for (const slot of this.#republisher.take()) {
      if (!this.#splitter.takeBack(this.#records[slot]!.topic, slot)) this.#add(slot);
    }
    this.#flush();
    while (!this.#splitter.isIdle && this.#handOverChunk());
  }

  /** An event holds the reports of one batch: a single record in it was refused for its own size. */
  #onTooLarge(): void {
    const slots = this.#tooLarge;
    this.#tooLarge = [];
    const { topic } = this.#records[slots[0]!]!;
    if (slots.length === 1 || this.#hasGivenUp) {
      const outcome = slots.length === 1 ? notTaken(CODES.ERR_MSG_SIZE_TOO_LARGE) : notSplit();
      for (const slot of slots) this.#settle(slot, outcome);
      return;
    }
    this.#splitter.split(topic, slots, () => this.#slotsOf(topic));
    const bytes = slots.reduce((sum, slot) => sum + recordBytes(this.#records[slot]!), 0);
    this.#hooks.onBatchTooLarge(topic, { records: slots.length, bytes });
  }

  #slotsOf(topic: string): Set<number> {
    const slots = new Set<number>();
    for (const [slot, record] of this.#records.entries()) if (record?.topic === topic) slots.add(slot);
    return slots;
  }

  /** Of a topic that is being split. Returns whether there was one to hand over. */
  #handOverChunk(): boolean {
    const chunk = this.#splitter.next();
    const startedSince = performance.now() - this.#splitWithinMs;
    for (const slot of chunk) {
      if (this.#calls[slot]!.startedAt < startedSince) this.#settle(slot, notSplit());
      else this.#packOrSettle(slot);
    }
    this.#flush();
    return chunk.length > 0;
  }

  readonly #onReport = (opaque: number, errorCode: number, status: number, partition: number, offset: number): void => {
    const slot = opaque - 1;
    const record = this.#records[slot];
    if (record === undefined) {
      this.#hooks.log("error", "a delivery report for a record that is not in flight", { slot, errorCode });
      return;
    }
    if (status === STATUS.NOT_PERSISTED && isTooLarge(errorCode)) {
      this.#tooLarge.push(slot);
      return;
    }
    const isInnocent = errorCode === CODES.ERR__INVALID_DIFFERENT_RECORD && status === STATUS.NOT_PERSISTED;
    if (isInnocent && !this.#closed && this.#republisher.accept(slot, this.#calls[slot]!.startedAt)) return;
    this.#settle(slot, outcomeOf(record.topic, errorCode, status, partition, offset));
  };

  #settle(slot: number, outcome: Outcome): void {
    const record = this.#records[slot]!;
    const { settle } = this.#calls[slot]!;
    this.#records[slot] = undefined;
    this.#calls[slot] = undefined;
    this.#republisher.forget(slot);
    if (!this.#splitter.isIdle) this.#splitter.forget(record.topic, slot);
    this.#freeSlots.push(slot);
    this.#pending--;
    try {
      if (outcome.status === "acked") this.#hasAcked = true;
      settle(record, outcome);
    } catch (cause) {
      // One receiver's mistake must not cost the other records of this report their outcome.
      this.#hooks.log("error", "the receiver of an outcome threw", { error: String(cause) });
    }
    if (this.#pending > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Resolves when nothing is pending. */
  get whenIdle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Gives up on what was not sent yet: its outcome says so, soon. */
  giveUpQueued(): void {
    this.#giveUpSplitting();
    this.#client.purge(false);
  }

  #giveUpSplitting(): void {
    this.#hasGivenUp = true;
    for (const slot of this.#splitter.abandon()) this.#settle(slot, notSplit());
  }

  /**
   * Takes no more records, waits up to `timeoutMs` for outcomes, gives the rest up (by status: refused or unknown), and destroys
   * the client. Called again, it may shorten the wait.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#closed ??= this.#close();
    const timer = setTimeout(this.#patience.resolve, timeoutMs);
    try {
      await this.#closed;
    } finally {
      clearTimeout(timer);
    }
  }

  async #close(): Promise<void> {
    await Promise.race([this.whenIdle, this.#patience.promise]);
    if (this.#pending > 0) {
      this.#giveUpSplitting();
      this.#client.purge(true);
      await withinMs(this.whenIdle, PURGE_REPORTS_MS);
    }
    for (let slot = 0; slot < this.#records.length; slot++) {
      // Nothing is known of these: purged, and still no report.
      if (this.#records[slot])
        this.#settle(slot, outcomeOf("", CODES.ERR__PURGE_INFLIGHT, STATUS.POSSIBLY_PERSISTED, -1, -1));
    }
    this.#writer.destroy();
    await this.#client.destroy();
  }

  raiseFatalError(code: number, reason: string): void {
    this.#client.raiseFatalError(code, reason);
  }
}

const PURGE_REPORTS_MS = 2000;
