/**
 * A cluster whose brokers have all just been started anew answers without a broker. librdkafka 2.15.1 ends the process over that;
 * scripts/librdkafka.ts mends it. Neither the mock nor a real Kafka says so on demand, hence a broker of a few lines.
 */
import { afterEach, expect, test } from "bun:test";
import type { Socket } from "bun";
import { Admin } from "../../src/kafka/index.ts";
import { quiet } from "../support/mock.ts";

const [METADATA, API_VERSIONS] = [3, 18];
const METADATA_VERSION = 7;

/** Big-endian, as the Kafka protocol has it (https://kafka.apache.org/protocol). */
class Writer {
  readonly #parts: Buffer[] = [];

  int(value: number, bytes: 2 | 4): this {
    const part = Buffer.alloc(bytes);
    part.writeIntBE(value, 0, bytes);
    this.#parts.push(part);
    return this;
  }

  text(value: string): this {
    this.int(Buffer.byteLength(value), 2);
    this.#parts.push(Buffer.from(value));
    return this;
  }

  byte(value: number): this {
    this.#parts.push(Buffer.from([value]));
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Knows two requests, and of one of them whether it has brokers. */
class TinyBroker {
  hasBrokers = true;
  readonly #server = Bun.listen<{ rest: Buffer }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { rest: Buffer.alloc(0) };
      },
      data: (socket, bytes) => this.#read(socket, bytes),
    },
  });

  get address(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  stop(): void {
    this.#server.stop(true);
  }

  #read(socket: Socket<{ rest: Buffer }>, bytes: Buffer): void {
    let rest = Buffer.concat([socket.data.rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const size = rest.readInt32BE(0);
      const answer = this.#answer(rest.readInt16BE(4), rest.readInt16BE(6));
      const framed = new Writer().int(answer.length + 4, 4).int(rest.readInt32BE(8), 4).bytes;
      socket.write(Buffer.concat([framed, answer]));
      rest = rest.subarray(4 + size);
    }
    socket.data.rest = rest;
  }

  #answer(api: number, version: number): Buffer {
    return api === API_VERSIONS ? this.#versions(version) : this.#metadata();
  }

  #versions(version: number): Buffer {
    const apis: [api: number, max: number][] = [
      [METADATA, METADATA_VERSION],
      [API_VERSIONS, 0],
    ];
    const writer = new Writer();
    // UNSUPPORTED_VERSION, in the oldest form: the client asks again in that.
    writer.int(version === 0 ? 0 : 35, 2).int(apis.length, 4);
    for (const [api, max] of apis) writer.int(api, 2).int(0, 2).int(max, 2);
    return writer.bytes;
  }

  #metadata(): Buffer {
    const writer = new Writer().int(0, 4).int(this.hasBrokers ? 1 : 0, 4);
    if (this.hasBrokers) writer.int(1, 4).text("127.0.0.1").int(this.#server.port, 4).int(-1, 2);
    return writer
      .text("tiny")
      .int(this.hasBrokers ? 1 : -1, 4)
      .int(0, 4).bytes;
  }
}

const started: { stop(): void }[] = [];
afterEach(() => {
  for (const one of started.splice(0)) one.stop();
});

test("a cluster that says it has no brokers is an error, and no end of the process", async () => {
  const broker = new TinyBroker();
  const admin = new Admin({ brokers: broker.address, log: quiet });
  started.push(broker, { stop: () => void admin.close() });
  expect((await admin.describeCluster(5000)).brokers.map(({ id }) => id)).toEqual([1]);
  broker.hasBrokers = false;
  await expect(admin.describeCluster(3000, 1)).rejects.toThrow("_PARTIAL");
  broker.hasBrokers = true;
  expect((await admin.describeCluster(5000, 1)).brokers).toHaveLength(1);
});
