/**
 * A librdkafka event queue with one owner, and the file descriptor that wakes JavaScript when it fills.
 *
 * `watch` lets librdkafka write a byte into one end of a socket pair whenever the queue stops being empty; Bun's event loop
 * reads the other end. No timer polls, and no thread of librdkafka ever calls into JavaScript.
 *
 * librdkafka writes that byte with the queue locked. Were the socket pair ever full, it would wait there for us to read, and we,
 * polling, for the lock: the end of both. So no more than about twice `POLLS_PER_TURN` polls stand between two reads, far fewer
 * than the bytes that fit (278 on Linux), and where the system lets us, that end does not block at all.
 */
import type { Pointer } from "bun:ffi";
import type { Socket } from "bun";
import { libc, rd } from "./library.ts";

const AF_UNIX = 1;
/** Linux takes the flags SOCK_NONBLOCK and SOCK_CLOEXEC with the type. Both ends get them; Bun wants its own so anyway. */
const SOCK_STREAM = process.platform === "linux" ? 0x1 | 0x800 | 0x80000 : 0x1;
const POLLS_PER_TURN = 64;

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

  /**
   * Calls `drain` from the event loop each time the queue has filled. `drain` polls at most as often as it is told, and says
   * whether it saw the queue empty; where not, it is called again on the loop's next turn.
   */
  watch(drain: (mostPolls: number) => boolean): void {
    const ends = new Int32Array(2);
    if (libc().socketpair(AF_UNIX, SOCK_STREAM, 0, ends) !== 0)
      throw new Error("socketpair failed: out of file descriptors?");
    const [readEnd, writeEnd] = [ends[0]!, ends[1]!];
    let isTurnDue = false;
    const turn = () => {
      isTurnDue = false;
      let isEmpty = false;
      try {
        isEmpty = drain(POLLS_PER_TURN);
      } finally {
        // Also after a throw: a queue that is not polled until it is empty sends no wake-up any more.
        if (!isEmpty) nextTurn();
      }
    };
    const nextTurn = () => {
      if (isTurnDue) return;
      isTurnDue = true;
      setImmediate(turn);
    };
    const options = { fd: readEnd, socket: { data: () => (isTurnDue ? undefined : turn()) } };
    // Bun owns the read end from here and closes it with the socket.
    const socket = Bun.connect(options as unknown as Parameters<typeof Bun.connect>[0]) as Promise<Socket>;
    // It is settled at once. Where Bun cannot watch the read end (the system has a limit on that, too), that stays ours.
    if (Bun.peek.status(socket) === "rejected") {
      for (const end of ends) libc().close(end);
      socket.catch(() => {});
      throw new Error("the event loop does not take another socket: out of file descriptors?");
    }
    this.#watch = { writeEnd, socket };
    rd().rd_kafka_queue_io_event_enable(this.handle, writeEnd, new Uint8Array([1]), 1);
    // What came before this line has sent no wake-up, and would keep all that follows from sending one.
    nextTurn();
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
