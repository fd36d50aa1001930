/**
 * The only door to Kafka. Behind it: librdkafka, called through `bun:ffi` in `native/` (docs/ARCHITECTURE.md says why).
 * It never sees JSON; what it takes and gives is records, offsets and outcomes.
 */
export { Admin, type AdminOptions, type Watermarks } from "./admin.ts";
export {
  type ConsumerConfig,
  type ConsumerSettings,
  consumerConfig,
  type ProducerConfig,
  type ProducerSettings,
  producerConfig,
  requireFeatures,
} from "./config.ts";
export { Consumer, ConsumerFailure, type ConsumerHooks } from "./consumer.ts";
export { CODES, codeName, KafkaError } from "./error.ts";
export type { KafkaLog, KafkaLogLevel } from "./log.ts";
export {
  type ClusterDescription,
  ConfigurationError,
  type Header,
  HeaderName,
  type KafkaRecord,
  type LibraryInfo,
  library,
  MockCluster,
  type NewTopic,
  type PartitionOffset,
  RecordBatch,
  type TopicDescription,
  TransferBuffer,
  wakeConsumer,
} from "./native/index.ts";
export { Producer, type ProducerOptions } from "./producer.ts";
export { Reachability, type ReachabilityOptions } from "./reachability.ts";
export { ensureTopic, TopicKeeper, type TopicSettings } from "./topic.ts";
