/**
 * The head of a request, where it is so plain that there is no second way to read it. What is not is no error: it goes the way of every
 * request, through Bun's HTTP server, which answers or refuses it. So nothing is tolerated here, and nothing explained.
 *
 * Plain is (RFC 9112): a POST to a path, lines ended by CR LF, fields of printable ASCII, among them one Host and one
 * Content-Length, and none that changes how the message is framed, or what becomes of the connection beyond keeping or closing it.
 */
import type { HeaderLookup } from "../message.ts";

export interface Head {
  /** As it came, with the empty line at its end. All of it is ASCII, so a character is a byte. */
  readonly text: string;
  /** Path and query. */
  readonly target: string;
  readonly path: string;
  readonly headers: HeaderLookup;
  /** Of the body, in bytes. */
  readonly contentLength: number;
  /** The client wants the connection closed behind the answer, as one of HTTP/1.0 does that says nothing of it. */
  readonly isLast: boolean;
}

const HEAD_BYTES_MAX = 8192;
const METHOD = "POST ";
const BARE_LINE_FEED = /(?<!\r)\n/;
const LINE_END = "\r\n";
const END = "\r\n\r\n";
/**
 * A request line, and fields (RFC 9112, 3 and 5) in printable ASCII. The target in characters of RFC 3986 that stand for themselves in every
 * reading; not more than a hundred fields. It never has to go back: no part can take what the next begins with.
 */
const FORM =
  /^POST (\/[A-Za-z0-9\-._~:/?@!$&()*+,;=%]*) HTTP\/1\.([01])\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n){1,100}\r\n$/;
const REQUEST_LINE = /^POST \/[^ ]* HTTP\/1\.[01]$/;
const LENGTH = /^(?:0|[1-9][0-9]{0,8})$/;
/** These say something of the message's frame or of the connection. In lower case. */
const NOT_PLAIN = /\r\n(?:transfer-encoding|te|trailer|expect|upgrade|http2-settings):/;

/** How many heads are kept, and up to which size: those of a client differ by the length of its events, if at all. */
const KNOWN_MAX = 512;
const KNOWN_BYTES_MAX = 1024;

export class HeadReader {
  #last: Head | undefined;
  readonly #known = new Map<string, Head>();

  /** Of a request that begins with `bytes`; undefined where it is not plain, "partial" where it may become so with what comes next. */
  read(bytes: Buffer): Head | "partial" | undefined {
    const last = this.#last;
    // Told by its text alone, its end included: nothing is looked for in it.
    if (last && bytes.toString("latin1", 0, last.text.length) === last.text) return last;
    const end = bytes.indexOf(END);
    if (end === -1 && bytes.byteLength <= HEAD_BYTES_MAX) return isBeginning(bytes) ? "partial" : undefined;
    if (end === -1 || end > HEAD_BYTES_MAX) return undefined;
    const text = bytes.toString("latin1", 0, end + END.length);
    const known = this.#known.get(text);
    const head = known ?? parseHead(text);
    if (head && !known && comesAgain(head)) this.#keep(head);
    this.#last = head;
    return head;
  }

  #keep(head: Head): void {
    if (this.#known.size === KNOWN_MAX) this.#known.clear();
    this.#known.set(head.text, head);
  }
}

/** Where a key or a trace stands in it, it hardly will. */
function comesAgain({ text, target, path, headers }: Head): boolean {
  return text.length <= KNOWN_BYTES_MAX && target === path && headers.get("traceparent") === null;
}

function isBeginning(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  const lineEnd = text.indexOf(LINE_END);
  if (BARE_LINE_FEED.test(text)) return false;
  return lineEnd === -1 ? METHOD.startsWith(text.slice(0, METHOD.length)) : REQUEST_LINE.test(text.slice(0, lineEnd));
}

function parseHead(text: string): Head | undefined {
  const [, target, minor] = FORM.exec(text) ?? [];
  if (target === undefined) return undefined;
  const headers = new Fields(text);
  const length = headers.once("content-length");
  if (!headers.once("host") || length === undefined || !LENGTH.test(length)) return undefined;
  if (NOT_PLAIN.test(headers.lowerCase)) return undefined;
  const connection = headers.get("connection")?.toLowerCase();
  const isLast = connection === undefined ? minor === "0" : connection === "close";
  // An answer to HTTP/1.0 would have to say that the connection is kept.
  if (connection !== undefined && !isLast && (connection !== "keep-alive" || minor === "0")) return undefined;
  const query = target.indexOf("?");
  const path = query === -1 ? target : target.slice(0, query);
  return { text, target, path, headers, contentLength: Number(length), isLast };
}

/** Looked for when they are asked for: few of them ever are. */
class Fields implements HeaderLookup {
  note: unknown = null;
  readonly #text: string;
  readonly lowerCase: string;

  /** `text` has the form. */
  constructor(text: string) {
    this.#text = text;
    this.lowerCase = text.toLowerCase();
  }

  /** As `Headers` has it: where a name stands several times, its values with commas between (RFC 9110, 5.2). */
  get(name: string): string | null {
    const line = `${LINE_END}${name}:`;
    let value: string | null = null;
    for (let at = this.#find(line, 0); at !== -1; at = this.#find(line, at)) {
      value = value === null ? this.#valueAt(at) : `${value}, ${this.#valueAt(at)}`;
    }
    return value;
  }

  /** The value of a name that stands once; undefined where it is missing, or stands several times. */
  once(name: string): string | undefined {
    const line = `${LINE_END}${name}:`;
    const at = this.#find(line, 0);
    return at === -1 || this.#find(line, at) !== -1 ? undefined : this.#valueAt(at);
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    const fields = new Map<string, string>();
    let at = this.#text.indexOf(LINE_END) + LINE_END.length;
    while (at < this.#text.length - LINE_END.length) {
      const colon = this.lowerCase.indexOf(":", at);
      const name = this.lowerCase.slice(at, colon);
      const before = fields.get(name);
      const value = this.#valueAt(colon + 1);
      fields.set(name, before === undefined ? value : `${before}, ${value}`);
      at = this.#text.indexOf(LINE_END, colon) + LINE_END.length;
    }
    yield* fields;
  }

  /** Where the value behind the next such beginning of a line starts, or -1. */
  #find(line: string, from: number): number {
    const at = this.lowerCase.indexOf(line, from);
    return at === -1 ? -1 : at + line.length;
  }

  #valueAt(start: number): string {
    return this.#text.slice(start, this.#text.indexOf(LINE_END, start)).trim();
  }
}
