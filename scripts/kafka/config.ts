/**
 * The configuration of a development cluster, as text: server.properties for both kinds of Kafka, zoo.cfg and the logging.
 * Pure. Made for development and tests: everything on 127.0.0.1, internal topics small, rebalances at once.
 */

export interface NodeSettings {
  readonly id: number;
  readonly port: number;
  readonly dataFolder: string;
}

export interface Voter {
  readonly id: number;
  readonly controllerPort: number;
}

/** Further doors of a broker, with TLS or passwords, and what the broker has to know for them. */
export interface SecuredListeners {
  /** By protocol, the port; the listener is called as its protocol. */
  readonly ports: Readonly<Partial<Record<"SSL" | "SASL_SSL" | "SASL_PLAINTEXT", number>>>;
  readonly properties: Readonly<Record<string, string>>;
  /** "name=…,password=…": who may come in with SCRAM-SHA-256. */
  readonly scramUser?: string;
}

/** A node that is broker and controller at once, in a cluster without ZooKeeper. */
export function kraftProperties(node: NodeSettings, voters: readonly Voter[], secured?: SecuredListeners): string {
  const controllerPort = voters.find((voter) => voter.id === node.id)?.controllerPort;
  const doors = Object.entries({ PLAINTEXT: node.port, ...secured?.ports });
  const addresses = doors.map(([protocol, port]) => `${protocol}://127.0.0.1:${port}`).join(",");
  const protocols = doors.map(([protocol]) => `${protocol}:${protocol}`).join(",");
  return properties({
    "process.roles": "broker,controller",
    "node.id": node.id,
    "controller.quorum.voters": voters.map((voter) => `${voter.id}@127.0.0.1:${voter.controllerPort}`).join(","),
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": `${protocols},CONTROLLER:PLAINTEXT`,
    listeners: `${addresses},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": addresses,
    "inter.broker.listener.name": "PLAINTEXT",
    // A broker that was killed is missed, and may register again, this much later (the default: 9 s).
    "broker.session.timeout.ms": 6_000,
    "broker.heartbeat.interval.ms": 1_000,
    "share.coordinator.state.topic.replication.factor": voters.length,
    "share.coordinator.state.topic.min.isr": minInSync(voters.length),
    "share.coordinator.state.topic.num.partitions": 4,
    ...commonSettings(node, voters.length),
    ...secured?.properties,
  });
}

export const ZOOKEEPER_SESSION_TIMEOUT_MS = 6_000;

/** A broker of a cluster that keeps its metadata in ZooKeeper. */
export function zookeeperModeProperties(node: NodeSettings, o: { brokerCount: number; zookeeperPort: number }): string {
  return properties({
    "broker.id": node.id,
    "zookeeper.connect": `127.0.0.1:${o.zookeeperPort}`,
    "zookeeper.session.timeout.ms": ZOOKEEPER_SESSION_TIMEOUT_MS,
    listeners: `PLAINTEXT://127.0.0.1:${node.port}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${node.port}`,
    ...commonSettings(node, o.brokerCount),
  });
}

function commonSettings(node: NodeSettings, brokerCount: number): Record<string, string | number | boolean> {
  const replication = Math.min(3, brokerCount);
  return {
    "log.dirs": node.dataFolder,
    "num.partitions": 4,
    "default.replication.factor": replication,
    "min.insync.replicas": minInSync(brokerCount),
    // A topic is made by whoever needs it, with the partitions it needs; a misspelt name is an error.
    "auto.create.topics.enable": false,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": replication,
    "transaction.state.log.num.partitions": 4,
    "transaction.state.log.replication.factor": replication,
    "transaction.state.log.min.isr": minInSync(brokerCount),
    "group.initial.rebalance.delay.ms": 0,
    // 128 MB by default, taken out of the heap at the start; the compacted topics here are small.
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
  };
}

function minInSync(brokerCount: number): number {
  return Math.min(2, brokerCount);
}

export function zookeeperConfig(o: { port: number; dataFolder: string }): string {
  return properties({
    dataDir: o.dataFolder,
    clientPort: o.port,
    clientPortAddress: "127.0.0.1",
    tickTime: 1_000,
    maxClientCnxns: 0,
    "admin.enableServer": false,
  });
}

const LOG_PATTERN = "%d{ISO8601} %-5p %m (%c)%n";
const LOG_MB = 5;

/** The log is one file of at most 5 MB and its predecessor; its path is the system property `kafka.log.file`. */
export const LOG4J2_PROPERTIES = properties({
  status: "warn",
  "appender.file.type": "RollingFile",
  "appender.file.name": "file",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: log4j's own placeholder
  "appender.file.fileName": "${sys:kafka.log.file}",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: log4j's own placeholder
  "appender.file.filePattern": "${sys:kafka.log.file}.%i",
  "appender.file.layout.type": "PatternLayout",
  "appender.file.layout.pattern": LOG_PATTERN,
  "appender.file.policies.type": "Policies",
  "appender.file.policies.size.type": "SizeBasedTriggeringPolicy",
  "appender.file.policies.size.size": `${LOG_MB}MB`,
  "appender.file.strategy.type": "DefaultRolloverStrategy",
  "appender.file.strategy.max": 1,
  "rootLogger.level": "info",
  "rootLogger.appenderRef.file.ref": "file",
  // Every start would print every setting, three times over.
  "logger.settings.name": "org.apache.kafka.common.config",
  "logger.settings.level": "warn",
  "logger.clients.name": "org.apache.kafka.clients",
  "logger.clients.level": "warn",
});

/** The same for the logging library of Kafka 2.8 and ZooKeeper. */
export const LOG4J1_PROPERTIES = properties({
  "log4j.rootLogger": "INFO, file",
  "log4j.appender.file": "org.apache.log4j.RollingFileAppender",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: log4j's own placeholder
  "log4j.appender.file.File": "${kafka.log.file}",
  "log4j.appender.file.MaxFileSize": `${LOG_MB}MB`,
  "log4j.appender.file.MaxBackupIndex": 1,
  "log4j.appender.file.layout": "org.apache.log4j.PatternLayout",
  "log4j.appender.file.layout.ConversionPattern": LOG_PATTERN,
  "log4j.logger.kafka.server.KafkaConfig": "WARN",
  "log4j.logger.org.apache.kafka.common.config": "WARN",
  "log4j.logger.org.apache.kafka.clients": "WARN",
  "log4j.logger.org.apache.zookeeper": "WARN",
});

function properties(settings: Record<string, string | number | boolean>): string {
  // In a properties file a backslash escapes; paths may hold one.
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${String(value).replaceAll("\\", "\\\\")}`);
  return lines.join("\n") + "\n";
}
