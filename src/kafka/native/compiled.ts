/**
 * Our own C: one call from JavaScript for a whole batch. A call of librdkafka a record, its arguments put together in JavaScript, took
 * more of serve's thread than anything else that is not HTTP (docs/PERFORMANCE.md).
 *
 * Bun carries a C compiler (TinyCC), so this needs none on the machine, and works with whichever librdkafka was found: the functions
 * are handed over by address. Compiled once a thread, in about 2 ms.
 */
import { cc, type Pointer } from "bun:ffi";
import { fileURLToPath } from "node:url";
import { functionAddress } from "./library.ts";
import { at, OwnedBuffer } from "./memory.ts";
import { produceSymbols } from "./symbols.ts";

/** In the order of `struct functions` in produce.c. */
const PRODUCE_FUNCTIONS = ["rd_kafka_produceva", "rd_kafka_error_code", "rd_kafka_error_destroy"] as const;

class Compiled {
  // By address, for as long as this thread lives.
  readonly #functions = new OwnedBuffer(PRODUCE_FUNCTIONS.length * 8);
  readonly produce: (
    rk: Pointer,
    functions: Pointer,
    topics: Pointer,
    names: Pointer,
    words: Pointer,
    bytes: Pointer,
    count: number,
    vus: Pointer,
    codes: Pointer,
  ) => number;

  constructor() {
    PRODUCE_FUNCTIONS.forEach((name, i) => {
      this.#functions.setWord(i * 8, functionAddress(name));
    });
    const source = fileURLToPath(new URL("./produce.c", import.meta.url));
    this.produce = cc({ source, symbols: produceSymbols }).symbols.sluice_produce;
  }

  /** For `produce`, whose second argument it is. */
  get functions(): Pointer {
    return at(this.#functions, 0);
  }
}

let made: Compiled | undefined;

export function compiled(): Compiled {
  made ??= new Compiled();
  return made;
}
