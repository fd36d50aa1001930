/** `native/structs.ts` against the C compiler: layouts and numbers of the headers of the librdkafka that is built and called. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { API_KEYS } from "../../src/kafka/native/mock.ts";
import * as structs from "../../src/kafka/native/structs.ts";

const SOURCES = join(
  dirname(Bun.resolveSync("@confluentinc/kafka-javascript/package.json", import.meta.dir)),
  "deps/librdkafka/src",
);
const folder = mkdtempSync(join(tmpdir(), "sluice-structs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says each of these C expressions is. */
async function evaluate(expressions: readonly string[], includes: readonly string[] = []): Promise<number[]> {
  const source = join(folder, "values.c");
  const program = join(folder, "values");
  const lines = expressions.map((expression) => `printf("%lld\\n", (long long)(${expression}));`);
  await Bun.write(
    source,
    `#include <stddef.h>\n#include <stdio.h>\n#include "rdkafka.h"\n#include "rdkafka_protocol.h"\n${includes.map((file) => `#include "${file}"\n`).join("")}int main(void) {\n${lines.join("\n")}\nreturn 0;\n}\n`,
  );
  const compiler = Bun.spawn(["cc", "-I", SOURCES, "-o", program, source], { stderr: "pipe" });
  const errors = await compiler.stderr.text();
  expect([await compiler.exited, errors]).toEqual([0, ""]);
  const out = await Bun.spawn([program]).stdout.text();
  return out.trim().split("\n").map(Number);
}

/** Every entry of a table needs its C expression, and is what that expression is. */
async function check<T extends Readonly<Record<string, number>>>(
  table: T,
  expressions: Readonly<Record<keyof T, string>>,
  includes: readonly string[] = [],
) {
  const names = Object.keys(table);
  expect(Object.keys(expressions).sort()).toEqual([...names].sort());
  const values = await evaluate(
    names.map((name) => expressions[name]!),
    includes,
  );
  expect(Object.fromEntries(names.map((name, i) => [name, values[i]!]))).toEqual({ ...table });
}

const offsets = <K extends string>(type: string, members: Readonly<Record<K, string>>) =>
  Object.fromEntries(Object.entries(members).map(([name, member]) => [name, `offsetof(${type}, ${member})`])) as Record<
    K,
    string
  >;
const named = <K extends string>(prefix: string, table: Readonly<Record<K, number>>, suffix = "") =>
  Object.fromEntries(Object.keys(table).map((name) => [name, prefix + name + suffix])) as Record<K, string>;

test("messages", () =>
  check(structs.message, {
    size: "sizeof(rd_kafka_message_t)",
    ...offsets("rd_kafka_message_t", {
      err: "err",
      partition: "partition",
      payload: "payload",
      len: "len",
      key: "key",
      keyLen: "key_len",
      offset: "offset",
      opaque: "_private",
    }),
  }));

test("what produce.c has of librdkafka: the arguments of produceva, each member of their union, and the constants", async () => {
  await check(structs.vu, { size: "sizeof(rd_kafka_vu_t)" });
  const source = join(import.meta.dir, "../../src/kafka/native/produce.c");
  const members = ["vtype", "u.ptr", "u.i", "u.i64", "u.mem.ptr", "u.mem.size", "u.header.name", "u.header.val"];
  const offsetsOf = (type: string) => [...members, "u.header.size"].map((member) => `offsetof(${type}, ${member})`);
  const ours = ["sizeof(struct vu)", "sizeof(((struct vu *)0)->u)", ...offsetsOf("struct vu")];
  const theirs = ["sizeof(rd_kafka_vu_t)", "sizeof(((rd_kafka_vu_t *)0)->u)", ...offsetsOf("rd_kafka_vu_t")];
  expect(await evaluate(ours, [source])).toEqual(await evaluate(theirs));
  const constants = ["RKT", "VALUE", "KEY", "OPAQUE", "MSGFLAGS", "TIMESTAMP", "HEADER"].map((name) => `VTYPE_${name}`);
  expect(await evaluate([...constants, "MSG_F_COPY"], [source])).toEqual(
    await evaluate([...constants, "MSG_F_COPY"].map((name) => `RD_KAFKA_${name}`)),
  );
});

test("what turns.ts has of produce.c", () => {
  const source = join(import.meta.dir, "../../src/kafka/native/produce.c");
  const members = { isAvailable: "is_available", byKey: "by_key", turn: "turn" };
  return check(structs.turns, { size: "sizeof(struct turns)", ...offsets("struct turns", members) }, [source]);
});

test("what consume.c has of librdkafka, and what printer.ts has of consume.c", async () => {
  const source = join(import.meta.dir, "../../src/kafka/native/consume.c");
  const members = ["err", "rkt", "partition", "payload", "len", "key", "key_len", "offset", "_private"];
  const layout = (type: string) => [`sizeof(${type})`, ...members.map((member) => `offsetof(${type}, ${member})`)];
  expect(await evaluate(layout("struct message"), [source])).toEqual(await evaluate(layout("rd_kafka_message_t")));
  await check(
    structs.text,
    { size: "sizeof(struct text)", ...offsets("struct text", { bytes: "bytes", length: "length" }) },
    [source],
  );
  await check(
    structs.printed,
    {
      size: "sizeof(struct printed)",
      ...offsets("struct printed", {
        end: "end",
        value: "value",
        valueEnd: "value_end",
        offset: "offset",
        partition: "partition",
      }),
    },
    [source],
  );
});

test("partition lists", async () => {
  await check(structs.topicPartition, {
    size: "sizeof(rd_kafka_topic_partition_t)",
    ...offsets("rd_kafka_topic_partition_t", { topic: "topic", partition: "partition", offset: "offset", err: "err" }),
  });
  await check(structs.topicPartitionList, offsets("rd_kafka_topic_partition_list_t", { cnt: "cnt", elems: "elems" }));
});

test("constants", async () => {
  await check(structs.EVENT, named("RD_KAFKA_EVENT_", structs.EVENT));
  await check(structs.STATUS, named("RD_KAFKA_MSG_STATUS_", structs.STATUS));
  await check(structs.PURGE, {
    QUEUE: "RD_KAFKA_PURGE_F_QUEUE",
    INFLIGHT: "RD_KAFKA_PURGE_F_INFLIGHT",
    NON_BLOCKING: "RD_KAFKA_PURGE_F_NON_BLOCKING",
  });
  await check({ topic: structs.RESOURCE_TOPIC }, { topic: "RD_KAFKA_RESOURCE_TOPIC" });
  await check(structs.OFFSET_SPEC, named("RD_KAFKA_OFFSET_SPEC_", structs.OFFSET_SPEC));
  await check(structs.CLIENT_TYPE, { producer: "RD_KAFKA_PRODUCER", consumer: "RD_KAFKA_CONSUMER" });
  await check(API_KEYS, named("RD_KAFKAP_", API_KEYS));
  const { DESTROY_NO_CONSUMER_CLOSE, ADMIN_OP_ANY, CONF_OK, CONF_UNKNOWN } = structs;
  await check(
    { DESTROY_NO_CONSUMER_CLOSE, ADMIN_OP_ANY, CONF_OK, CONF_UNKNOWN },
    {
      DESTROY_NO_CONSUMER_CLOSE: "RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE",
      ADMIN_OP_ANY: "RD_KAFKA_ADMIN_OP_ANY",
      CONF_OK: "RD_KAFKA_CONF_OK",
      CONF_UNKNOWN: "RD_KAFKA_CONF_UNKNOWN",
    },
  );
});

test("sizes that the code takes for granted", async () => {
  const sizes = [
    "void *",
    "size_t",
    "int64_t",
    "rd_kafka_resp_err_t",
    "rd_kafka_event_type_t",
    "rd_kafka_timestamp_type_t",
  ];
  expect(await evaluate(sizes.map((type) => `sizeof(${type})`))).toEqual([8, 8, 8, 4, 4, 4]);
  expect(await evaluate(["*(const unsigned char *)&(const int){1}"])).toEqual([1]);
});
