/** The door of the native layer; for `src/kafka/` only. Nothing that passes through it is a pointer to be used outside. */
import { rd } from "./library.ts";
import { textAt } from "./memory.ts";

export { AdminCalls, type ClusterDescription, type Failed, type NewTopic, type TopicDescription } from "./admin.ts";
export { HeaderName, RecordBatch, TransferBuffer } from "./batch.ts";
export { ClientHandle, ConfigurationError, type ErrorEvent, type LogEvent, refuseProperty } from "./client.ts";
export { CODES } from "./codes.ts";
export { type AssignmentEvent, type CommitResult, ConsumerCalls } from "./consumer.ts";
export { type LibraryInfo, library } from "./library.ts";
export { MockCluster } from "./mock.ts";
export type { PartitionOffset, PartitionResult } from "./partitions.ts";
export { type PrintedTexts, RecordPrinter } from "./printer.ts";
export { type Header, type KafkaRecord, RecordWriter, UnfitRecord } from "./records.ts";
export { type OnReport, ReportReader } from "./reports.ts";
export { EVENT, STATUS } from "./structs.ts";

/** "_TRANSPORT" for -195. */
export function errorName(code: number): string {
  return textAt(rd().rd_kafka_err2name(code));
}

/** librdkafka's sentence for a code. */
export function errorText(code: number): string {
  return textAt(rd().rd_kafka_err2str(code));
}
