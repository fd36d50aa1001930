/**
 * The consumer: Kafka's records become lines of one log, each once. `consume` runs until it is asked to stop, or cannot go on, and
 * returns the exit code; a log file that it cannot have is thrown as a sentence.
 */
import { Admin, GroupOffsets, type KafkaLog } from "../kafka/index.ts";
import type { Log } from "../log.ts";
import { type ConsumeOptions, Consumption, type Stop } from "./consumption.ts";
import { LogFileLock } from "./lock.ts";
import { prepareLogFile } from "./log-file.ts";
import { recover } from "./recovery.ts";
import { awaitTopic, commitEnds } from "./topic.ts";

export { type Checkpoint, isSameTopic, readCheckpoint, type TopicIdentity } from "./checkpoint.ts";
export { type ClosedFile, type Compression, closedFiles } from "./closed-files.ts";
export type { ConsumeOptions, Stop } from "./consumption.ts";
export { type Content, ContentReader } from "./content.ts";
export { handlerProblem } from "./handler-check.ts";
export { LineMaker } from "./line.ts";
export { type LineHead, readLineHead } from "./line-head.ts";
export { LogFileLock } from "./lock.ts";
export { type FileId, LogFileError } from "./log-file.ts";
export { type Manifest, orphanManifests, readManifest, unfinished } from "./manifest.ts";
export { removeLog } from "./remove.ts";

export async function consume(options: ConsumeOptions, stop: Stop, log: Log): Promise<number> {
  const logFile = prepareLogFile(options.logFile);
  const lock = new LogFileLock(logFile);
  const kafkaLog: KafkaLog = (level, message, fields) => log[level](fields, message);
  const client = { brokers: options.kafkaBrokers, properties: options.properties, log: kafkaLog };
  const admin = new Admin(client);
  const groupOffsets = new GroupOffsets({ ...client, group: options.kafkaGroup });
  // Before there is a file to reopen, too: a log rotated while Kafka is away must not end the process.
  const onHangUp = () => consumption?.reopen();
  process.on("SIGHUP", onHangUp);
  let consumption: Consumption | undefined;
  try {
    const found = await awaitTopic(admin, { topic: options.kafkaTopic, log, stop });
    if (!found) return 0;
    const checkpoint = recover(logFile, found.identity, log);
    const from =
      options.from === "latest"
        ? await commitEnds({ ...client, group: options.kafkaGroup }, admin, groupOffsets, found)
        : options.from;
    consumption = new Consumption({
      options: { ...options, from },
      stop,
      log,
      admin,
      groupOffsets,
      logFile,
      found,
      checkpoint,
    });
    return await consumption.run();
  } finally {
    process.off("SIGHUP", onHangUp);
    await groupOffsets.close();
    await admin.close();
    lock.release();
  }
}
