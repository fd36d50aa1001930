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
/** As serve spells it, in every answer. */
const LENGTH = Buffer.from("\r\nContent-Length: ");
const COUNT = Buffer.from('{"accepted":');
const ZERO = 0x30;
const [ACCEPTED, MULTI_STATUS] = [202, 207];

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

  note(status: number, accepted: number, ms: number): void {
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
        open: (socket) => this.#next(socket, performance.now()),
        drain: (socket) => this.#write(socket),
        data: (socket, data) => this.#take(socket, data),
        error: () => {},
        close: () => this.#closed(),
      },
    });
  }

  #next(socket: Bun.Socket<undefined>, now: number): void {
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
    if (this.#unsent === undefined && !this.isWaiting) this.#next(socket, performance.now());
  }

  #take(socket: Bun.Socket<undefined>, data: Buffer): void {
    // Nearly every answer comes in one piece, which is looked at where it lies: what this takes, serve does not get.
    const received = this.#received === undefined ? data : Buffer.concat([this.#received, data]);
    const answer = answerIn(received);
    if (answer === undefined) {
      this.#received = received === data ? Buffer.from(data) : received;
      return;
    }
    this.#received = undefined;
    this.isWaiting = false;
    const now = performance.now();
    const isCounted = now >= this.#plan.countsFrom && now < this.#plan.endsAt;
    const { status, bodyStart } = answer;
    this.#tally.note(status, isCounted ? acceptedOf(status, received, bodyStart) : 0, now - this.#sentAt);
    if (this.#unsent === undefined) this.#next(socket, now);
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

/** An error that is thrown at a socket ends nowhere. */
function fail(message: string): never {
  console.error(`overload client: ${message}`);
  process.exit(1);
}

/** The answer that these bytes are; undefined where its end is missing. */
function answerIn(received: Buffer): { readonly status: number; readonly bodyStart: number } | undefined {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const bodyStart = headEnd + HEAD_END.length;
  const length = received.indexOf(LENGTH);
  if (length === -1 || length > headEnd) fail(`an answer that is not serve's: ${received.toString("latin1", 0, 200)}`);
  if (received.length < bodyStart + numberAt(received, length + LENGTH.length)) return undefined;
  return { status: numberAt(received, "HTTP/1.1 ".length), bodyStart };
}

function numberAt(bytes: Buffer, start: number): number {
  let number = 0;
  for (let at = start; bytes[at]! >= ZERO && bytes[at]! < ZERO + 10; at++) number = number * 10 + bytes[at]! - ZERO;
  return number;
}

/** A batch's answer begins with the count; a single event's 202 is one. */
function acceptedOf(status: number, answer: Buffer, bodyStart: number): number {
  if (status !== ACCEPTED && status !== MULTI_STATUS) return 0;
  const isCounted = answer.indexOf(COUNT, bodyStart) === bodyStart;
  return isCounted ? numberAt(answer, bodyStart + COUNT.length) : 1;
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
