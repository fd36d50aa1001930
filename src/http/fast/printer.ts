/** Answers as HTTP/1.1 messages (RFC 9112). */
import { STATUS_CODES } from "node:http";
import { turnMs } from "../../clock.ts";
import { type Answer, JSON_TYPE } from "../message.ts";

/** How old the time of the Date field may be. */
const DATE_MS = 500;

export class Printer {
  #dateAt = Number.NEGATIVE_INFINITY;
  #date = "";
  /** What stands before the length in the answer that nearly all get: 202 with nothing of its own. */
  #receipt = "";

  /** Text, to be sent as UTF-8. `bytes` is its size then. */
  print(answer: Answer): { readonly text: string; readonly bytes: number } {
    if (turnMs() - this.#dateAt > DATE_MS) this.#renew();
    const isReceipt = answer.status === 202 && answer.headers === JSON_TYPE;
    const head = isReceipt ? this.#receipt : headOf(answer, this.#date);
    const length = Buffer.byteLength(answer.body);
    const before = `${head}Content-Length: ${length}\r\n\r\n`;
    return { text: before + answer.body, bytes: before.length + length };
  }

  #renew(): void {
    this.#dateAt = turnMs();
    this.#date = new Date().toUTCString();
    this.#receipt = headOf({ status: 202, headers: JSON_TYPE }, this.#date);
  }
}

function headOf({ status, headers }: Pick<Answer, "status" | "headers">, date: string): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (const name in headers) text += `${capitalised(name)}: ${headers[name]}\r\n`;
  return `${text}Date: ${date}\r\n`;
}

/** As Bun's server writes names. */
function capitalised(name: string): string {
  return name.replaceAll(/(?<![a-z])[a-z]/g, (letter) => letter.toUpperCase());
}
