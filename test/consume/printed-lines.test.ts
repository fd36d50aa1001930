/** Lines that C prints many at once are those that are made one by one, byte for byte, whatever the records are like. Over the mock cluster. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { LineMaker, type Records } from "../../src/consume/line.ts";
import type { Lines } from "../../src/consume/worker-messages.ts";
import type { KafkaRecord, RecordBatch } from "../../src/kafka/index.ts";
import { joinGroup, KafkaFixture, pollUntil, publishAll } from "../support/mock.ts";
import { textOf } from "./support.ts";

let kafka: KafkaFixture;
beforeEach(() => {
  kafka = new KafkaFixture();
  kafka.mock.createTopic("events", 3);
});
afterEach(() => kafka.close());

/** The batch without `print`: each line is made by itself. */
function oneByOne(batch: RecordBatch): Records {
  return {
    count: batch.count,
    partition: (i) => batch.partition(i),
    offset: (i) => batch.offset(i),
    timestampMs: (i) => batch.timestampMs(i),
    valueLength: (i) => batch.valueLength(i),
    copyValue: (i, target, offset) => batch.copyValue(i, target, offset),
    keyLength: (i) => batch.keyLength(i),
    copyKey: (i, target, offset) => batch.copyKey(i, target, offset),
    findHeader: (i, name) => batch.findHeader(i, name),
    copyHeader: (target, offset) => batch.copyHeader(target, offset),
  };
}

interface Made {
  text: string;
  lines: number;
  buffers: number;
  printed: number;
}

/** Reads as many records as were sent; each batch is made into lines twice, the printed ones first. */
function read(count: number, targetBytes: number): { printed: Made; single: Made } {
  const made = () => ({ text: "", lines: 0, buffers: 0, printed: 0 });
  const result = { printed: made(), single: made() };
  const maker = (into: Made) =>
    new LineMaker("events", targetBytes, ({ bytes, runs }: Lines) => {
      into.text += textOf(bytes);
      into.buffers++;
      for (const run of runs) into.lines += run.lines;
      expect(runs[0]!.start).toBe(0);
      expect(runs.at(-1)!.end).toBe(bytes.length);
    });
  const [printing, single] = [maker(result.printed), maker(result.single)];
  const consumer = joinGroup(kafka.mock.bootstrap, "events", crypto.randomUUID(), {});
  pollUntil(
    consumer,
    () => result.single.lines === 2 * count,
    (batch) => {
      const print = batch.print.bind(batch);
      // Counted, so that the test does not compare one way with itself.
      const counting: Records = {
        ...oneByOne(batch),
        print: (...args) => {
          const printed = print(...args);
          result.printed.printed += printed;
          return printed;
        },
      };
      printing.add(counting);
      single.add(oneByOne(batch));
      // Whatever was printed is there to be read all the same, headers too: a handler or the next maker may want it.
      printing.add(counting);
      single.add(oneByOne(batch));
    },
  );
  consumer.close(5000);
  return result;
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const STRANGE: readonly (string | Uint8Array)[] = [
  ...["", " ", "a", "1234567", "12345678", "123456789", '"', "\\", "\u007f", "\u001f", "é", "𝄞", "a\nb", "a\0b"],
  ...['0123456"', '01234567"', '012345678"abcdefgh', "\t1234567", "1234567\t", "12345678\u0000", "1234567\u0080"],
  ...[bytes(0xff), bytes(0x61, 0x80), bytes(0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0xa2)],
  "x".repeat(3000),
];
const VALUES: readonly (string | Uint8Array | null)[] = [
  ...[null, "", "1", "{}", " [ ] ", '{"a":1}', '\n{"a":\r\n[1,\n2]}\n', '{"a":1', "text", "\ntext\n", "\ufeff1"],
  ...[bytes(0x22, 0xe9, 0x22), '"é"', `"${"y".repeat(20_000)}"`, "not JSON ".repeat(1500)],
];

function records(count: number, pick: (i: number) => Partial<KafkaRecord>): KafkaRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    topic: "events",
    key: null,
    value: Buffer.from(`{"i":${i}}`),
    headers: [["id", `id-${i}`]],
    ...pick(i),
  }));
}
const encode = (value: string | Uint8Array | null) => (typeof value === "string" ? Buffer.from(value) : value);

test("plain records are printed, but the first of each buffer", async () => {
  const sent = records(3000, (i) => ({ key: i % 2 ? `user-${i % 7}` : null }));
  await publishAll(kafka.producer(), sent);
  const { printed, single } = read(sent.length, 16 * 1024);
  expect(printed.text).toBe(single.text);
  expect(printed.lines).toBe(2 * sent.length);
  expect(printed.printed + printed.buffers).toBe(2 * sent.length);
}, 20_000);

test("ids, keys, values and timestamps of every kind, among plain ones and among their own", async () => {
  for (const every of [1, 7]) {
    const sent = records(2000, (i) => {
      if (i % every !== 0) return {};
      const k = Math.floor(i / every);
      const id = STRANGE[k % STRANGE.length]!;
      return {
        key: k % 3 === 0 ? null : encode(STRANGE[(k * 5) % STRANGE.length]!),
        value: encode(VALUES[k % VALUES.length]!),
        headers: [
          ["other", "x"],
          ...(k % 4 === 0 ? [] : [["id", "an earlier one"] as const, ["id", encode(id)!] as const]),
        ],
        timestampMs: 1_766_000_000_000 + (k % 5) * 999_999_999,
      };
    });
    await publishAll(kafka.producer(), sent);
  }
  const { printed, single } = read(4000, 64 * 1024);
  expect(printed.text).toBe(single.text);
  expect(printed.printed).toBeGreaterThan(1000);
}, 30_000);

test("a topic of nothing but text is not printed in vain", async () => {
  const sent = records(2000, () => ({ value: Buffer.from("text") }));
  await publishAll(kafka.producer(), sent);
  const { printed, single } = read(sent.length, 64 * 1024);
  expect(printed.text).toBe(single.text);
  // One a record at the most, and what the first call had in hand.
  expect(printed.printed).toBeLessThan(2 * sent.length + 512);
}, 20_000);
