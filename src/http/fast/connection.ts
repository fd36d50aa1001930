/**
 * A client's connection. Plain requests for a path that has a handler are answered here, one after the other, in the order they came; with
 * the first that is anything else, the connection goes to the server that speaks all of HTTP, for good.
 */
import { turnMs } from "../../clock.ts";
import { type Answer, type Handler, withHeaders } from "../message.ts";
import { Ahead, type Room } from "./ahead.ts";
import { Beginning } from "./beginning.ts";
import type { HeadReader } from "./head.ts";
import type { Printer } from "./printer.ts";
import { Relay } from "./relay.ts";
import { type Caller, FastRequest } from "./request.ts";

/** What all connections have in common. */
export interface Desk {
  readonly heads: HeadReader;
  readonly printer: Printer;
  readonly routes: ReadonlyMap<string, Handler>;
  /** Where the server that speaks all of HTTP listens: the path of a unix socket. */
  readonly behind: string;
  /** For what clients send ahead of their turn. */
  readonly room: Room;
  readonly failed: (cause: unknown) => Answer;
  /** For a connection on which nothing moves. */
  readonly idleMs: number;
  /** All that is to be said here has been said; the client may still have its side open. */
  readonly onDone: (connection: Connection) => void;
}

export type ClientSocket = Bun.Socket<Connection>;

/** As much of a body as is read only to get to the next request. Behind more of it, the connection ends. */
const SKIPPED_BYTES_MAX = 65_536;
// Both are half as long as a connection may be idle, where that is less, and are looked at every few seconds only.
/** For a head to come whole. Then the server behind waits for the rest of it. */
const HEAD_MS = 5000;
/** For the client to end its side after us. Until then what it still sends is read, or a reset would take our answer from it. */
const LINGER_MS = 5000;
const NOTHING = Buffer.alloc(0);

export class Connection implements Caller {
  readonly #socket: ClientSocket;
  readonly #desk: Desk;
  /** In hand: one at a time. */
  #request: FastRequest | undefined;
  /** Of a body that nobody waits for any more, still to come. */
  #skip = 0;
  readonly #ahead: Ahead;
  readonly #beginning = new Beginning();
  /** Of an answer, not taken by the client's side yet. */
  #unsent: Buffer = NOTHING;
  #relay: Relay | undefined;
  #isReading = false;
  /** What is in hand is answered, and nothing more is taken. */
  #isLast = false;
  /** The client sends nothing more. */
  #hasEnded = false;
  #isDone = false;
  /** When anything moved, on the monotonic clock, in ms. */
  #movedAt = turnMs();

  constructor(socket: ClientSocket, desk: Desk) {
    this.#socket = socket;
    this.#desk = desk;
    this.#ahead = new Ahead(socket, desk.room);
  }

  /** Called every few seconds, with the time on the monotonic clock, in ms. A client that waits for its answer may wait. */
  sweep(now: number): void {
    const { idleMs } = this.#desk;
    const still = now - this.#movedAt;
    const isAsking = this.#request !== undefined && this.#request.missing === 0;
    if (this.#isDone) {
      // What the kernel still has for the client goes on.
      if (still > Math.min(LINGER_MS, idleMs / 2)) this.#socket.end();
    } else if (!isAsking && still > idleMs) this.#socket.terminate();
    else if (this.#beginning.ageMs(now) > Math.min(HEAD_MS, idleMs / 2)) {
      this.#handOver(this.#beginning.take());
    }
  }

  onData(bytes: Buffer): void {
    if (this.#isDone) return;
    this.#movedAt = turnMs();
    if (this.#relay) this.#relay.fromClient(bytes);
    else if (this.#request?.missing) this.#hold(bytes.subarray(this.#request.add(bytes)));
    else if (!this.#isFree) this.#hold(bytes);
    else if (this.#beginning.isEmpty) this.#read(bytes);
    else this.#read(Buffer.concat([this.#beginning.take(), bytes]));
  }

  onDrain(): void {
    if (this.#unsent.byteLength > 0) {
      this.#movedAt = turnMs();
      const sent = this.#socket.write(this.#unsent);
      const isAll = sent < 0 || sent === this.#unsent.byteLength;
      // An empty view would keep all of it in memory.
      this.#unsent = isAll ? NOTHING : this.#unsent.subarray(sent);
      this.#goOn();
    } else this.#relay?.drain();
  }

  /** The client sends nothing more, but may wait for answers. */
  onEnd(): void {
    this.#hasEnded = true;
    if (this.#isDone) this.#socket.end();
    else if (this.#relay) this.#relay.clientEnded();
    else {
      this.#abort();
      this.#goOn();
    }
  }

  onClose(): void {
    this.#relay?.close();
    this.#abort();
    this.#ahead.take();
    this.#request = undefined;
    this.#done();
  }

  /**
   * Answers what is in hand and takes nothing more. One that was handed over is for the server there to end; so is one whose next request has
   * begun to come, which that waits for.
   */
  finish(): void {
    if (this.#isDone) return;
    if (!this.#beginning.isEmpty) this.#handOver(this.#beginning.take());
    if (this.#relay) return;
    this.#setLast();
    this.#goOn();
  }

  cut(): void {
    this.#socket.terminate();
  }

  answered(request: FastRequest, answer: Answer): void {
    if (request !== this.#request) return;
    this.#request = undefined;
    if (request.missing > SKIPPED_BYTES_MAX || answer.headers.connection === "close") this.#setLast();
    if (request.missing > 0) {
      this.#skip = request.missing;
      request.abort();
    }
    this.#send(answer);
    this.#goOn();
  }

  failed(request: FastRequest, cause: unknown): void {
    this.answered(request, this.#desk.failed(cause));
  }

  #send(answer: Answer): void {
    const { text, bytes } = this.#desk.printer.print(
      this.#isLast ? withHeaders(answer, { connection: "close" }) : answer,
    );
    const sent = this.#socket.write(text);
    if (sent >= 0 && sent < bytes) this.#unsent = Buffer.from(text).subarray(sent);
  }

  get #isFree(): boolean {
    return this.#request === undefined && this.#unsent.byteLength === 0;
  }

  /** A body whose end will not come. */
  #abort(): void {
    if (!this.#request?.missing) return;
    this.#request.abort();
    this.#request = undefined;
  }

  /** The next request, or the end. */
  #goOn(): void {
    if (this.#isReading || !this.#isFree || this.#relay || this.#isDone) return;
    if (!this.#ahead.isEmpty) this.#read(this.#ahead.take());
    else if (this.#isLast || this.#hasEnded) {
      if (this.#hasEnded) this.#socket.end();
      else this.#socket.shutdown();
      this.#done();
    }
  }

  /** Reads requests until one has to wait. */
  #read(bytes: Buffer): void {
    let rest = bytes;
    this.#isReading = true;
    try {
      while (rest.byteLength > 0 && this.#isFree && !this.#isLast) {
        rest = this.#skip > 0 ? this.#skipIn(rest) : this.#ask(rest);
      }
    } finally {
      this.#isReading = false;
    }
    this.#hold(rest);
    this.#goOn();
  }

  #skipIn(bytes: Buffer): Buffer {
    const skipped = Math.min(this.#skip, bytes.byteLength);
    this.#skip -= skipped;
    return bytes.subarray(skipped);
  }

  /** Asks the handler of the request that `bytes` begin with; returns what stands behind it. */
  #ask(bytes: Buffer): Buffer {
    const { heads, routes } = this.#desk;
    const head = heads.read(bytes);
    if (head === "partial") {
      this.#beginning.keep(bytes, turnMs());
      return NOTHING;
    }
    const handler = head && routes.get(head.path);
    if (!handler) {
      this.#handOver(bytes);
      return NOTHING;
    }
    this.#beginning.forget();
    const end = head.text.length + head.contentLength;
    const request = new FastRequest(this, head, bytes);
    this.#request = request;
    if (head.isLast) this.#setLast();
    try {
      handler(request, request);
    } catch (cause) {
      request.fail(cause);
    }
    if (this.#hasEnded) this.#abort();
    return bytes.byteLength > end ? bytes.subarray(end) : NOTHING;
  }

  #handOver(first: Uint8Array): void {
    this.#relay = new Relay({
      client: this.#socket,
      path: this.#desk.behind,
      first,
      onMoved: () => {
        this.#movedAt = turnMs();
      },
      onEnd: () => {
        if (this.#hasEnded) this.#socket.end();
        // What it still sends is read, and left: it may have been held up.
        else this.#socket.resume();
        this.#done();
      },
      onFailed: (cause) => {
        this.#relay = undefined;
        this.#setLast();
        this.#socket.resume();
        this.#send(this.#desk.failed(cause));
        this.#goOn();
      },
    });
    if (this.#hasEnded) this.#relay.clientEnded();
  }

  #hold(bytes: Buffer): void {
    if (!this.#isLast && !this.#ahead.hold(bytes)) this.#setLast();
  }

  #setLast(): void {
    this.#isLast = true;
    this.#ahead.take();
  }

  #done(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#movedAt = turnMs();
    this.#desk.onDone(this);
  }
}
