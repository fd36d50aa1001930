/**
 * Our own C: one call from JavaScript for a whole batch. A call of librdkafka a record, its arguments put together in JavaScript, took
 * more of serve's thread than anything else that is not HTTP, and half of a consuming Worker's (docs/PERFORMANCE.md).
 *
 * Bun carries a C compiler (TinyCC), so this needs none on the machine, and works with whichever librdkafka was found: the functions
 * are handed over by address. Compiled once a thread, in about 2 ms, by whoever needs it first.
 */
import { cc, type Pointer } from "bun:ffi";
import { fileURLToPath } from "node:url";
import { functionAddress, memcpyAddress } from "./library.ts";
import { at, OwnedBuffer } from "./memory.ts";
import { consumeSymbols, produceSymbols } from "./own-symbols.ts";

/** In the order of `struct functions` in produce.c. */
const PRODUCE_FUNCTIONS = [
  "rd_kafka_produceva",
  "rd_kafka_error_code",
  "rd_kafka_error_destroy",
  "rd_kafka_flush",
] as const;

/** In the order of `struct functions` in consume.c; the C library's memcpy comes behind them. */
const CONSUME_FUNCTIONS = [
  "rd_kafka_message_destroy",
  "rd_kafka_message_timestamp",
  "rd_kafka_message_headers",
  "rd_kafka_header_get_last",
  "rd_kafka_message_detach_headers",
  "rd_kafka_headers_destroy",
] as const;

/** The addresses of functions, which C is given; kept for as long as this thread lives. */
class FunctionTable {
  readonly #addresses: OwnedBuffer;

  constructor(addresses: readonly Pointer[]) {
    this.#addresses = new OwnedBuffer(addresses.length * 8);
    addresses.forEach((address, i) => {
      this.#addresses.setWord(i * 8, address as number);
    });
  }

  get address(): Pointer {
    return at(this.#addresses, 0);
  }
}

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

function compileProduce() {
  const table = new FunctionTable(PRODUCE_FUNCTIONS.map(functionAddress));
  const code = cc({ source: path("./produce.c"), symbols: produceSymbols });
  const { sluice_produce: produce, sluice_partitioner: partitioner } = code.symbols;
  // With `code`, since librdkafka's threads call the partitioner for as long as there is a client.
  return { code, table, produce, partitioner: partitioner() };
}

function compileConsume() {
  const table = new FunctionTable([...CONSUME_FUNCTIONS.map(functionAddress), memcpyAddress()]);
  const c = cc({ source: path("./consume.c"), symbols: consumeSymbols }).symbols;
  return { table, firstError: c.sluice_first_error, release: c.sluice_release, print: c.sluice_print };
}

let producing: ReturnType<typeof compileProduce> | undefined;
let consuming: ReturnType<typeof compileConsume> | undefined;

/** produce.c. `table.address` goes where its functions take `rd`. */
export function compiledProduce(): ReturnType<typeof compileProduce> {
  producing ??= compileProduce();
  return producing;
}

/** consume.c; the same. */
export function compiledConsume(): ReturnType<typeof compileConsume> {
  consuming ??= compileConsume();
  return consuming;
}
