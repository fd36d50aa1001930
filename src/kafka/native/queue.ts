/**
 * A librdkafka event queue with one owner, and the file descriptor that wakes JavaScript when it fills.
 *
 * `watch` lets librdkafka write a byte into one end of a socket pair whenever the queue stops being empty; Bun's event loop
 * reads the other end. No timer polls, and no thread of librdkafka ever calls into JavaScript.
 */
import type { Pointer } from "bun:ffi";
import type { Socket } from "bun";
import { libc, rd } from "./library.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;

export class EventQueue {
  #handle: Pointer | null;
  #watch: { readonly writeEnd: number; readonly socket: Promise<Socket> } | undefined;

  constructor(handle: Pointer) {
    this.#handle = handle;
  }

  static create(rk: Pointer): EventQueue {
    return new EventQueue(rd().rd_kafka_queue_new(rk)!);
  }

  /** For native calls that take a queue. Throws once destroyed. */
  get handle(): Pointer {
    if (this.#handle === null) throw new Error("this queue is destroyed");
    return this.#handle;
  }

  /** The next event, or null after `timeoutMs`. The caller destroys it (`rd_kafka_event_destroy`). */
  poll(timeoutMs: number): Pointer | null {
    return rd().rd_kafka_queue_poll(this.handle, timeoutMs);
  }

  /** Calls `onFilled` from the event loop each time the queue stops being empty; it must then poll until null. */
  watch(onFilled: () => void): void {
    const ends = new Int32Array(2);
    if (libc().socketpair(AF_UNIX, SOCK_STREAM, 0, ends) !== 0) throw new Error("socketpair failed: out of file descriptors?");
    const [readEnd, writeEnd] = [ends[0]!, ends[1]!];
    // Bun owns the read end from here and closes it with the socket. librdkafka writes one byte per filling, so neither end blocks.
    const socket = Bun.connect({ fd: readEnd, socket: { data: () => onFilled() } } as unknown as Parameters<
      typeof Bun.connect
    >[0]) as Promise<Socket>;
    this.#watch = { writeEnd, socket };
    rd().rd_kafka_queue_io_event_enable(this.handle, writeEnd, new Uint8Array([1]), 1);
  }

  /** Stops the wake-ups and gives the handle back. The client it belongs to must still exist. */
  destroy(): void {
    if (this.#handle === null) return;
    if (this.#watch) {
      rd().rd_kafka_queue_io_event_enable(this.#handle, -1, new Uint8Array(1), 0);
      libc().close(this.#watch.writeEnd);
      this.#watch.socket.then(
        (socket) => socket.end(),
        () => {},
      );
      this.#watch = undefined;
    }
    rd().rd_kafka_queue_destroy(this.#handle);
    this.#handle = null;
  }
}
