/**
 * A client process of `bun run overload`: keeps `connections` busy for `seconds`, each with its next request as soon as the last one
 * has its answer, whatever that was: the rudest client there can be. Prints one JSON object, a `Report`.
 *
 * By hand and not by `fetch`, so that it takes as little as possible of the machine that it shares with what it measures.
 */
export interface Report {
  /** Events that were answered as taken. */
  readonly accepted: number;
  readonly answersByStatus: Readonly<Record<string, number>>;
  /** The longest that an answer took. */
  readonly maxMs: number;
  /** Connections that broke, and requests without an answer `PATIENCE_MS` after the end. */
  readonly broken: number;
  readonly unanswered: number;
}

const PATIENCE_MS = 20_000;
const HEAD_END = Buffer.from("\r\n\r\n");

interface Plan {
  readonly url: URL;
  readonly request: Buffer;
  /** When no further request is sent, and from when on accepted events count, on the monotonic clock. */
  readonly endsAt: number;
  readonly countsFrom: number;
}

class Tally {
  accepted = 0;
  readonly answersByStatus: Record<string, number> = {};
  maxMs = 0;
  broken = 0;

  note(status: string, accepted: number, ms: number): void {
    this.answersByStatus[status] = (this.answersByStatus[status] ?? 0) + 1;
    this.accepted += accepted;
    this.maxMs = Math.max(this.maxMs, ms);
  }
}

class Connection {
  readonly #plan: Plan;
  readonly #tally: Tally;
  readonly #done = Promise.withResolvers<void>();
  #socket: Bun.Socket<undefined> | undefined;
  #unsent: Buffer | undefined;
  #received: Buffer | undefined;
  #sentAt = 0;
  isWaiting = false;

  constructor(plan: Plan, tally: Tally) {
    this.#plan = plan;
    this.#tally = tally;
  }

  /** Resolves when its last request has its answer. */
  async run(): Promise<void> {
    await this.#connect();
    await this.#done.promise;
    this.#socket?.end();
  }

  async #connect(): Promise<void> {
    const { hostname, port } = this.#plan.url;
    this.#received = undefined;
    this.#socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => this.#next(socket),
        drain: (socket) => this.#write(socket),
        data: (socket, data) => this.#take(socket, Buffer.from(data)),
        error: () => {},
        close: () => this.#closed(),
      },
    });
  }

  #next(socket: Bun.Socket<undefined>): void {
    const now = performance.now();
    if (now >= this.#plan.endsAt) {
      this.#done.resolve();
      return;
    }
    this.#sentAt = now;
    this.isWaiting = true;
    this.#unsent = this.#plan.request;
    this.#write(socket);
  }

  #write(socket: Bun.Socket<undefined>): void {
    if (this.#unsent === undefined) return;
    const written = Math.max(0, socket.write(this.#unsent));
    this.#unsent = written === this.#unsent.length ? undefined : this.#unsent.subarray(written);
    // An answer that came before all was sent has been taken already.
    if (this.#unsent === undefined && !this.isWaiting) this.#next(socket);
  }

  #take(socket: Bun.Socket<undefined>, data: Buffer): void {
    const received = this.#received === undefined ? data : Buffer.concat([this.#received, data]);
    this.#received = received;
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = received.toString("latin1", 0, headEnd);
    const bodyStart = headEnd + HEAD_END.length;
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (received.length < bodyStart + length) return;
    this.#received = undefined;
    this.isWaiting = false;
    const now = performance.now();
    const status = head.slice(9, 12);
    const isCounted = now >= this.#plan.countsFrom && now < this.#plan.endsAt;
    const accepted = isCounted ? acceptedOf(status, received.toString("latin1", bodyStart, bodyStart + 40)) : 0;
    this.#tally.note(status, accepted, now - this.#sentAt);
    if (this.#unsent === undefined) this.#next(socket);
  }

  #closed(): void {
    if (performance.now() >= this.#plan.endsAt && !this.isWaiting) {
      this.#done.resolve();
      return;
    }
    this.isWaiting = false;
    this.#tally.broken++;
    this.#unsent = undefined;
    this.#connect().catch(() => this.#done.resolve());
  }
}

/** A batch's answer begins with the count; a single event's 202 is one. */
function acceptedOf(status: string, body: string): number {
  if (status !== "202" && status !== "207") return 0;
  return Number(/^\{"accepted":(\d+)/.exec(body)?.[1] ?? 1);
}

/** One event, or `batchEvents` as NDJSON. */
function requestFor({ host }: URL, batchEvents: number): Buffer {
  const event =
    '{"event_type":"page_view","user_id":"u-18273","metadata":{"page":"/pricing","referrer":"search","session":"9f2c"}}';
  const isBatch = batchEvents > 1;
  const body = isBatch ? `${event}\n`.repeat(batchEvents) : event;
  const head = [
    `POST /${isBatch ? "register_events" : "register_event"} HTTP/1.1`,
    `Host: ${host}`,
    `Content-Type: ${isBatch ? "application/x-ndjson" : "application/json"}`,
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

async function load(
  address: string,
  connections: number,
  warmUpMs: number,
  durationMs: number,
  batchEvents: number,
): Promise<Report> {
  const url = new URL(address);
  const countsFrom = performance.now() + warmUpMs;
  const plan = { url, request: requestFor(url, batchEvents), countsFrom, endsAt: countsFrom + durationMs };
  const tally = new Tally();
  const all = Array.from({ length: connections }, () => new Connection(plan, tally));
  const patience = Bun.sleep(warmUpMs + durationMs + PATIENCE_MS);
  await Promise.race([Promise.allSettled(all.map((connection) => connection.run())), patience]);
  const { accepted, answersByStatus, maxMs, broken } = tally;
  return { accepted, answersByStatus, maxMs, broken, unanswered: all.filter((c) => c.isWaiting).length };
}

if (import.meta.main) {
  const [address = "", ...numbers] = process.argv.slice(2);
  const [connections = 1, warmUpMs = 0, durationMs = 1000, batchEvents = 1] = numbers.map(Number);
  console.log(JSON.stringify(await load(address, connections, warmUpMs, durationMs, batchEvents)));
  process.exit(0);
}
