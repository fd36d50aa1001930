/**
 * The only door to Kafka. Behind it: librdkafka, called through `bun:ffi` in `native/` (docs/ARCHITECTURE.md says why).
 * It never sees JSON; what it takes and gives is records, offsets and outcomes.
 */
export { Admin } from "./admin.ts";
export { BatchLimit } from "./batch-limit.ts";
export { checkProperties, type PlannedClient } from "./check-properties.ts";
export {
  adminConfig,
  type ConsumerConfig,
  consumerConfig,
  type ProducerConfig,
  type ProducerSettings,
  producerConfig,
  readerConfig,
} from "./config.ts";
export { Consumer, type ConsumerHooks } from "./consumer.ts";
export { codeName, KafkaError } from "./error.ts";
export { requireFeatures } from "./features.ts";
export { commitForGroup, type GroupClient } from "./group-commit.ts";
export { GroupOffsets } from "./group-offsets.ts";
export type { KafkaLog, KafkaLogLevel } from "./log.ts";
export {
  CODES,
  ConfigurationError,
  type Header,
  HeaderName,
  type KafkaRecord,
  type LibraryInfo,
  library,
  MockCluster,
  type NewTopic,
  type PartitionOffset,
  type PrintedTexts,
  RecordBatch,
  RecordPrinter,
  TransferBuffer,
} from "./native/index.ts";
export { Producer } from "./producer.ts";
export type { Properties } from "./properties.ts";
export { Reachability } from "./reachability.ts";
export { readProperties } from "./read-properties.ts";
export { ensureTopic, TopicKeeper } from "./topic.ts";
export { TopicReader, type TopicReaderOptions } from "./topic-reader.ts";
