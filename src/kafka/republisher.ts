/**
 * Which records are given to librdkafka once more. Kafka refuses a batch whole where one of its records is bad; the others come
 * back as `ERR__INVALID_DIFFERENT_RECORD`, certainly not in the topic and nothing wrong with them. The batch was librdkafka's
 * choice and not the sender's, so they are published again: in their order, a few times, and only early enough that the outcome
 * still comes in time.
 */

const REPUBLISH_MAX = 3;
/**
 * `message.timeout.ms` starts anew with each publishing. It is the delivery timeout less 2 s, of which librdkafka's scan for
 * timed-out messages takes one (config.ts): what starts within the other still ends within the delivery timeout.
 */
const REPUBLISH_WITHIN_MS = 1000;

export class Republisher {
  /** How often a slot's record was published again; slots that never were are not in it. */
  readonly #counts = new Map<number, number>();
  #waiting: number[] = [];

  /** Whether the slot's record is to be published again, with the next `take`. */
  accept(slot: number, startedAt: number, now = performance.now()): boolean {
    const count = this.#counts.get(slot) ?? 0;
    if (count >= REPUBLISH_MAX || now - startedAt > REPUBLISH_WITHIN_MS) return false;
    this.#counts.set(slot, count + 1);
    this.#waiting.push(slot);
    return true;
  }

  /** The slots that were accepted since the last call, in that order. */
  take(): readonly number[] {
    if (this.#waiting.length === 0) return this.#waiting;
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  /** The slot's record has its outcome. */
  forget(slot: number): void {
    if (this.#counts.size > 0) this.#counts.delete(slot);
  }
}
