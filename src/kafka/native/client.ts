/**
 * One `rd_kafka_t`: made from a configuration, destroyed once. Its main queue carries delivery reports, errors, log lines,
 * rebalances and commit results as events; `drain` hands them to their receivers and destroys them.
 */
import type { Pointer } from "bun:ffi";
import { rd } from "./library.ts";
import { cString, ErrorText, OutWord, textAt } from "./memory.ts";
import { EventQueue } from "./queue.ts";
import { destroyElsewhere } from "./reaper.ts";
import { isSecret, secretHider } from "./secrets.ts";
import { CLIENT_TYPE, CONF_OK, CONF_UNKNOWN, DESTROY_NO_CONSUMER_CLOSE, EVENT, PURGE } from "./structs.ts";

/** A librdkafka log line. `severity` is syslog's: 0 emergency … 7 debug. */
export interface LogEvent {
  readonly severity: number;
  readonly facility: string;
  readonly message: string;
}

export interface ErrorEvent {
  readonly code: number;
  readonly message: string;
  /** This client sends nothing any more. */
  readonly isFatal: boolean;
}

export interface Receivers {
  readonly onError: (event: ErrorEvent) => void;
  readonly onLog: (event: LogEvent) => void;
  /** Every other event; borrowed for the call. */
  readonly onOther: (type: number, event: Pointer) => void;
}

export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export class ClientHandle {
  #rk: Pointer | null;
  readonly main: EventQueue;
  readonly #receivers: Receivers;
  readonly #hide: (text: string) => string;

  /** Throws `ConfigurationError` with librdkafka's own sentence where it refuses a property. */
  constructor(type: keyof typeof CLIENT_TYPE, properties: Readonly<Record<string, string>>, receivers: Receivers) {
    const bits = EVENT.ERROR | EVENT.LOG | (type === "producer" ? EVENT.DR : EVENT.REBALANCE | EVENT.OFFSET_COMMIT);
    const conf = configure({ ...properties, "log.queue": "true" }, bits);
    this.#hide = secretHider(properties);
    const text = new ErrorText();
    const rk = rd().rd_kafka_new(CLIENT_TYPE[type], conf, text.bytes, text.size);
    if (rk === null) {
      // Only a successful rd_kafka_new takes the configuration over.
      rd().rd_kafka_conf_destroy(conf);
      throw new ConfigurationError(this.#hide(text.text));
    }
    this.#rk = rk;
    this.#receivers = receivers;
    this.main = new EventQueue(rd().rd_kafka_queue_get_main(rk)!);
    rd().rd_kafka_set_log_queue(rk, null);
  }

  /** For native calls that take a client. Throws once destroyed. */
  get rk(): Pointer {
    if (this.#rk === null) throw new Error("this client is closed");
    return this.#rk;
  }

  /** Hands events to their receivers from the event loop, as they come. Where that cannot be, destroys the client and throws. */
  watch(): void {
    try {
      this.main.watch((mostPolls) => this.drain(mostPolls));
    } catch (cause) {
      this.destroyHere();
      throw cause;
    }
  }

  /** Hands the waiting events to their receivers, `most` at the most; never waits. Returns whether none is left. */
  drain(most = Number.POSITIVE_INFINITY): boolean {
    for (let i = 0; i < most; i++) {
      // A receiver may have destroyed the client.
      if (this.#rk === null) return true;
      const event = this.main.poll(0);
      if (event === null) return true;
      this.#dispatch(event)?.();
    }
    return false;
  }

  /** Destroys the event, and returns what is still to be told of it: without the event, as that receiver may close the client. */
  #dispatch(event: Pointer): (() => void) | undefined {
    try {
      const type = rd().rd_kafka_event_type(event);
      if (type === EVENT.ERROR) {
        const error = readError(event);
        return () => this.#receivers.onError({ ...error, message: this.#hide(error.message) });
      }
      if (type === EVENT.LOG) {
        const line = readLog(event);
        return () => this.#receivers.onLog({ ...line, message: this.#hide(line.message) });
      }
      this.#receivers.onOther(type, event);
    } finally {
      rd().rd_kafka_event_destroy(event);
    }
  }

  /**
   * Gives up on what is queued (reported as not persisted) and, where asked, on what is in flight (possibly persisted). Does not wait
   * for librdkafka's broker threads, which may be in the middle of a name look-up: the reports say when it is done.
   */
  purge(inFlightToo: boolean): void {
    rd().rd_kafka_purge(this.rk, PURGE.NON_BLOCKING | PURGE.QUEUE | (inFlightToo ? PURGE.INFLIGHT : 0));
  }

  /** Raises a fatal error as if the cluster had: for tests. */
  raiseFatalError(code: number, reason: string): void {
    rd().rd_kafka_test_fatal_error(this.rk, code, cString(reason));
  }

  /**
   * Destroys the client on another thread: librdkafka waits for its own threads meanwhile, which must not hold up the event loop.
   * Resolves when it is gone. What had no report is dropped.
   */
  async destroy(): Promise<void> {
    const rk = this.#release();
    if (rk === null) return;
    // Called by a receiver, this waits for the receiver's event to be destroyed first.
    await Promise.resolve();
    await destroyElsewhere(rk);
  }

  /** The same, on this thread, which waits: for a Worker that has closed its consumer, and where something failed at the start. */
  destroyHere(): void {
    const rk = this.#release();
    if (rk !== null) rd().rd_kafka_destroy_flags(rk, DESTROY_NO_CONSUMER_CLOSE);
  }

  #release(): Pointer | null {
    const rk = this.#rk;
    if (rk === null) return null;
    this.main.destroy();
    this.#rk = null;
    return rk;
  }
}

function configure(properties: Readonly<Record<string, string>>, eventBits: number): Pointer {
  const conf = rd().rd_kafka_conf_new()!;
  try {
    for (const [name, value] of Object.entries(properties)) set(conf, name, value);
  } catch (cause) {
    rd().rd_kafka_conf_destroy(conf);
    throw cause;
  }
  rd().rd_kafka_conf_set_events(conf, eventBits);
  return conf;
}

function set(conf: Pointer, name: string, value: string): void {
  const text = new ErrorText();
  const result = rd().rd_kafka_conf_set(conf, cString(name), cString(value), text.bytes, text.size);
  if (result === CONF_OK) return;
  // librdkafka's own sentence may quote the value, or a part of it.
  const isQuotable = result === CONF_UNKNOWN || !isSecret(name, value);
  if (!isQuotable) throw new ConfigurationError(`librdkafka does not take this value of ${name}`);
  // It may know the property under another name.
  const sentence = text.text.trim();
  throw new ConfigurationError(sentence.includes(name) ? sentence : `${name}: ${sentence}`);
}

/** Throws `ConfigurationError` where librdkafka does not know the property or does not take the value. */
export function refuseProperty(name: string, value: string): void {
  const conf = rd().rd_kafka_conf_new()!;
  try {
    set(conf, name, value);
  } finally {
    rd().rd_kafka_conf_destroy(conf);
  }
}

function readError(event: Pointer): ErrorEvent {
  return {
    code: rd().rd_kafka_event_error(event),
    message: textAt(rd().rd_kafka_event_error_string(event)),
    isFatal: rd().rd_kafka_event_error_is_fatal(event) !== 0,
  };
}

function readLog(event: Pointer): LogEvent {
  const [facility, message, level] = [new OutWord(), new OutWord(), new OutWord()];
  rd().rd_kafka_event_log(event, facility.bytes, message.bytes, level.bytes);
  return { severity: level.asNumber, facility: textAt(facility.asPointer), message: textAt(message.asPointer) };
}
