/**
 * Builds librdkafka out of the sources that `@confluentinc/kafka-javascript` carries, into the cache folder, once a machine.
 * `ensureLibrdkafka()` is what `bun run setup` calls; run directly, `--rebuild` builds anew (after installing a missing
 * -dev package, say). Two builds at once do not harm each other: the last rename wins, and both are whole.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  BUNDLED_VERSION,
  cachedLibraryPath,
  type LibraryInfo,
  openLibrary,
  WAYS_OUT,
} from "../src/kafka/native/library.ts";

const SOURCES = join(
  dirname(Bun.resolveSync("@confluentinc/kafka-javascript/package.json", import.meta.dir)),
  "deps/librdkafka",
);

const BUILDING = ".building-";
const LEFTOVER_AGE_MS = 60 * 60_000;

/** The library that commands will take, built first where there is none; `say` hears about a build under way. */
export async function ensureLibrdkafka(say: (line: string) => void, rebuild = false): Promise<LibraryInfo> {
  const isGiven = Boolean(process.env.LIBRDKAFKA_PATH);
  if (isGiven || (!rebuild && (await hasUsableBuild(say)))) return openLibrary().info;
  const missing = missingTools();
  if (missing.length > 0) {
    if (rebuild) throw new Error(`cannot build librdkafka without ${missing.join(", ")}.\n${WAYS_OUT}`);
    say(`no ${missing.join(", ")} to build librdkafka with; looking for the system's`);
    return openLibrary().info;
  }
  try {
    await build(say);
  } catch (cause) {
    const info = rebuild ? undefined : systemLibrary();
    if (info === undefined) throw cause;
    say(
      `${(cause as Error).message}\nTaking the system's instead. LIBRDKAFKA_PATH=${info.path} keeps the build from being tried again.`,
    );
    return info;
  }
  return openLibrary().info;
}

/** A build may stop working: the libraries it was linked with are replaced by the next release of the system. */
async function hasUsableBuild(say: (line: string) => void): Promise<boolean> {
  const path = cachedLibraryPath();
  if (!(await Bun.file(path).exists())) return false;
  try {
    openLibrary({ LIBRDKAFKA_PATH: path });
    return true;
  } catch {
    say(`the librdkafka that was built at ${path} cannot be opened any more`);
    return false;
  }
}

function systemLibrary(): LibraryInfo | undefined {
  try {
    return openLibrary().info;
  } catch {
    return undefined;
  }
}

function missingTools(): string[] {
  const compiler = ["gcc", "clang", "cc"].some((name) => Bun.which(name)) ? [] : ["a C compiler"];
  return [...compiler, ...["make", "bash"].filter((name) => !Bun.which(name))];
}

async function build(say: (line: string) => void): Promise<void> {
  const target = dirname(cachedLibraryPath());
  await mkdir(dirname(target), { recursive: true });
  await removeLeftovers(target);
  // Beside the target, so that the rename at the end stays within one file system.
  const folder = await mkdtemp(`${target}${BUILDING}`);
  try {
    say(`building librdkafka ${BUNDLED_VERSION} (once on this machine, about a minute) …`);
    const started = performance.now();
    const sources = join(folder, "src");
    await cp(SOURCES, sources, { recursive: true });
    await mend(sources);
    await step(["bash", "./configure", "--disable-syslog"], sources);
    const jobs = String(Math.max(1, navigator.hardwareConcurrency));
    await step(["make", "-j", jobs, "-C", "src", libraryFile()], sources);
    await mkdir(target, { recursive: true });
    // Over what is there, in one step: nobody ever finds half a library or none, and who has the old one open keeps it.
    await rename(join(sources, "src", libraryFile()), join(target, libraryFile()));
    say(`built in ${((performance.now() - started) / 1000).toFixed(0)} s: ${cachedLibraryPath()}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** MSG_F_MORE of produce.c; librdkafka's own flags are below 0x10 and from 0x10000 on. */
const MORE_FLAG = "0x1000";

interface Mend {
  readonly file: string;
  readonly pattern: RegExp;
  readonly replacement: string;
  /** How often the pattern is to be found. */
  readonly places: number;
}

/**
 * What librdkafka 2.15.1 gets wrong and no caller can avoid: over a cluster whose brokers have all just been started anew (the first
 * two), over a leader that goes while records wait in it for their acknowledgement (the third), over brokers that are gone (the fourth), and
 * in a group whose partitions are being divided anew (the fifth and sixth).
 */
const MENDS: readonly Mend[] = [
  {
    // An answer to DescribeCluster without a broker is refused with an error that is then lost: `reply->rkbuf_err` is returned, which
    // is 0, and rd_kafka_admin_response_parse ends the process, since there is no result. DescribeTopics has the same lines.
    file: "src/rdkafka_admin.c",
    pattern:
      /(Describe(?:Cluster|Topics) response protocol parse failure: %s",\s+)rd_kafka_err2str\(reply->rkbuf_err\)\);\s+return reply->rkbuf_err;/g,
    replacement: "$1rd_kafka_err2str(err ? err : reply->rkbuf_err));\n        return err ? err : reply->rkbuf_err;",
    places: 2,
  },
  {
    // An answer to Metadata with a topic but without a broker counts as good: every broker that was known is dropped, the way back to
    // the bootstrap servers is called off, and the client is never heard of again (https://github.com/confluentinc/librdkafka/issues/5301).
    file: "src/rdkafka_metadata.c",
    pattern: /if \(md->broker_cnt == 0 && md->topic_cnt == 0\)/g,
    replacement: "if (md->broker_cnt == 0)",
    places: 1,
  },
  {
    // A record that waits in a leader for its acknowledgement is in the log there, and in other replicas. The leader may hand over then:
    // it answers NOT_LEADER_OR_FOLLOWER, or KAFKA_STORAGE_ERROR where its disk fails, with the offset that the record got (Kafka's
    // DelayedProduce; what is refused before it is appended gets -1). It may stand still, and be missing from the next Metadata: the
    // request is given up with __DESTROY_BROKER. librdkafka takes all three for "not persisted". What is published again in time is
    // recognised by its sequence number; what is not was reported as certainly not in Kafka, and is there. All three are a request
    // that was sent and has no clear answer, as where the connection breaks.
    file: "src/rdkafka_request.c",
    pattern: /( +)\/\* Error handling \*\/\n(?= +struct rd_kafka_Produce_err perr = \{)/g,
    replacement: [
      "if (err == RD_KAFKA_RESP_ERR__DESTROY_BROKER ||",
      "    (presult->offset >= 0 && (err == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||",
      "                              err == RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR)))",
      "        err = RD_KAFKA_RESP_ERR__TRANSPORT;",
    ].reduce((text, line) => `${text}$1${line}\n`, ""),
    places: 1,
  },
  {
    // Who waits for a broker asks for a connection whenever a broker's state changes, and each time it is tried at once, whatever
    // reconnect.backoff.ms says. Where the broker is gone, the refusal changes its state: two of librdkafka's threads took all of a core,
    // thousands of attempts a second, for as long as a question to the cluster was open (confluentinc/confluent-kafka-dotnet#787). What is
    // asked for still begins the backoffs anew, and a new address owes nothing to the old one's refusals.
    file: "src/rdkafka_broker.c",
    pattern: /( +)\/\* Expedite next reconnect \*\/\n +rkb->rkb_ts_reconnect = 0;\n/g,
    replacement: [
      "rd_kafka_broker_lock(rkb);",
      "if (rkb->rkb_connect_epoch != rkb->rkb_nodename_epoch)",
      "        rkb->rkb_ts_reconnect = 0;",
      "rd_kafka_broker_unlock(rkb);",
      "rkb->rkb_reconnect_backoff_ms = rkb->rkb_rk->rk_conf.reconnect_backoff_ms;",
      "rkb->rkb_ts_reconnect = RD_MIN(rkb->rkb_ts_reconnect, rd_clock() + rkb->rkb_reconnect_backoff_ms * 1000LL);",
    ].reduce((text, line) => `${text}$1${line}\n`, ""),
    places: 1,
  },
  {
    // Partitions that are resumed are not read until the broker's thread looks at them again, and nothing wakes it: where all that it had
    // were paused it sleeps for up to a second (confluentinc/confluent-kafka-go#630 has half a second in a log). librdkafka itself pauses
    // and resumes all of a member's partitions in every rebalance, those too that it keeps. Who starts to read wakes the thread in this way.
    file: "src/rdkafka_partition.c",
    pattern: /( +)rktp->rktp_flags &= ~flag;\n/g,
    replacement: [
      "rktp->rktp_flags &= ~flag;",
      "if (rk->rk_type == RD_KAFKA_CONSUMER && rktp->rktp_broker)",
      '        rd_kafka_broker_wakeup(rktp->rktp_broker, "resume");',
    ].reduce((text, line) => `${text}$1${line}\n`, ""),
    places: 1,
  },
  {
    // A member of a cooperative group that has no partitions just then ends without leaving. The group keeps it until its session is over,
    // and a rebalance waits for it that long: nobody gets partitions, and who leaves, or commits, waits behind its own JoinGroup, since a
    // broker reads a connection's next request when the one before is answered. Not while the answer to a rebalance is still awaited: what is
    // revoked there is to be committed first, and the answer leads to leaving by itself.
    file: "src/rdkafka_cgrp.c",
    pattern: /("terminating, skipping rejoin",\s+RD_KAFKAP_STR_PR\(rkcg->rkcg_group_id\)\);\n)( +)return;\n/g,
    replacement:
      "$1$2if (!RD_KAFKA_CGRP_WAIT_ASSIGN_CALL(rkcg))\n$2        rd_kafka_cgrp_leave_maybe(rkcg);\n$2return;\n",
    places: 1,
  },
];

/**
 * A flag for rd_kafka_produceva, as MSG_MORE is one for send(2): more records for this topic's partition follow in this call
 * (produce.c). Without it librdkafka's thread, where it is awake, sends the first few of a batch while the rest is being handed over, and
 * what is left waits for the acknowledgement of those: with 64 connections a batch became four requests to Kafka, with 512 it became
 * ten. The thread leaves a partition alone while more follow, for a millisecond from the first on, and is woken by the last one (whoever
 * makes the flag sees to it that there is one). A librdkafka without this takes no notice of the flag.
 */
const MORE: readonly Mend[] = [
  {
    file: "src/rdkafka_partition.h",
    pattern: /( +)rd_kafka_q_t \*rktp_msgq_wakeup_q; /g,
    replacement: "$1rd_ts_t rktp_held_until; /**< More follow, but not after that; 0: none */\n$&",
    places: 1,
  },
  {
    file: "src/rdkafka_partition.c",
    pattern:
      /( +)rd_kafka_q_t \*wakeup_q = NULL;\n\n +rd_kafka_toppar_lock\(rktp\);\n(?=\n +if \(!rkm->rkm_u\.producer\.msgid &&)/g,
    replacement: [
      "rd_bool_t was_held;",
      "rd_kafka_q_t *wakeup_q = NULL;",
      "rd_kafka_toppar_lock(rktp);",
      "was_held = rktp->rktp_held_until != 0;",
      `if (!(rkm->rkm_flags & ${MORE_FLAG}))`,
      "        rktp->rktp_held_until = 0;",
      "else if (!was_held)",
      "        rktp->rktp_held_until = now + 1000;",
    ].reduce((text, line) => `${text}$1${line}\n`, ""),
    places: 1,
  },
  {
    file: "src/rdkafka_partition.c",
    pattern: /( +)rd_kafka_msgq_may_wakeup\(&rktp->rktp_msgq, now\) &&/g,
    replacement: [
      "$1rktp->rktp_held_until == 0 &&",
      "$1(rd_kafka_msgq_may_wakeup(&rktp->rktp_msgq, now) ||",
      "$1 (was_held && rktp->rktp_msgq.rkmq_wakeup.on_first && !rktp->rktp_msgq.rkmq_wakeup.signalled)) &&",
    ].join("\n"),
    places: 1,
  },
  {
    file: "src/rdkafka_broker.c",
    pattern: /( +)\} else if \(unlikely\(RD_KAFKA_TOPPAR_IS_PAUSED\(rktp\)\)\) \{\n/g,
    replacement: [
      "$1} else if (rktp->rktp_held_until > now && !flushing) {",
      "$1        max_requests = 0;",
      "$1        rktp->rktp_msgq.rkmq_wakeup.signalled = rd_false;",
      "$1        rd_kafka_set_next_wakeup(next_wakeup, rktp->rktp_held_until);",
      "$&",
    ].join("\n"),
    places: 1,
  },
];

async function mend(sources: string): Promise<void> {
  for (const { file, pattern, replacement, places } of [...MENDS, ...MORE]) {
    const path = join(sources, file);
    const text = await readFile(path, "utf8");
    const found = text.match(pattern)?.length ?? 0;
    if (found !== places)
      throw new Error(`${file} of librdkafka ${BUNDLED_VERSION} is not what MENDS and MORE were written for`);
    await writeFile(path, text.replaceAll(pattern, replacement));
  }
}

/** Of builds that were killed; one that is under way is younger. */
async function removeLeftovers(target: string): Promise<void> {
  for (const name of await readdir(dirname(target))) {
    const path = join(dirname(target), name);
    if (!path.startsWith(`${target}${BUILDING}`)) continue;
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > LEFTOVER_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}

function libraryFile(): string {
  return basename(cachedLibraryPath());
}

async function step(command: string[], cwd: string): Promise<void> {
  const child = Bun.spawn(command, { cwd, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code === 0) return;
  const tail = `${out}\n${error}`.trim().split("\n").slice(-25).join("\n");
  throw new Error(`building librdkafka failed at \`${command.join(" ")}\` (exit ${code}):\n${tail}\n${WAYS_OUT}`);
}

export function describeLibrary(info: LibraryInfo): string {
  const wanted = ["ssl", "zstd", "lz4", "sasl_scram", "sasl_gssapi"];
  const features = wanted.map((name) => (info.features.has(name) ? name : `no ${name}`));
  return `librdkafka ${info.version} (${info.source}: ${info.path}; ${features.join(", ")})`;
}

if (import.meta.main) {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  try {
    say(describeLibrary(await ensureLibrdkafka(say, process.argv.includes("--rebuild"))));
  } catch (cause) {
    say((cause as Error).message);
    process.exit(1);
  }
}
