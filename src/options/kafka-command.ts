/** Options of `bun run kafka up|down|status`. */
import { choice, integerOr, type Option, onOff, text } from "./core.ts";

/** The first broker's port; the next ones follow in steps of two, so that the jars and docker-compose.yml share their addresses. */
export const FIRST_BROKER_PORT = 9092;
export const BROKER_PORT_STEP = 2;

const brokers: Option<1 | 3 | undefined> = {
  flag: "brokers",
  placeholder: "1|3",
  help: "brokers of the cluster",
  defaultValue: undefined,
  defaultText: "1 with the jars, 3 with docker",
  isSwitch: false,
  isRepeatable: false,
  read(value) {
    if (value === "1") return 1;
    if (value === "3") return 3;
    throw new Error(`must be one of 1, 3, not ${JSON.stringify(value)}`);
  },
};

export const kafkaCommandOptions = {
  brokers,
  zookeeper: onOff({
    flag: "zookeeper",
    help: "a Kafka that keeps its metadata in ZooKeeper: 2.8 with the jars, 3.9 with docker",
  }),
  port: integerOr({
    flag: "kafka-port",
    placeholder: "<port>",
    min: 1024,
    max: 65_500,
    defaultText: `${FIRST_BROKER_PORT}`,
    help: `jars only: the first broker's port on 127.0.0.1; the next brokers take it plus ${BROKER_PORT_STEP}, plus ${2 * BROKER_PORT_STEP}`,
  }),
  data: text({
    flag: "kafka-data",
    placeholder: "<path>",
    default: ".kafka",
    help: "the folder of the brokers' data, their logs and the record of what runs",
  }),
  heapMb: integerOr({
    flag: "kafka-heap-mb",
    placeholder: "<MB>",
    min: 192,
    max: 65_536,
    defaultText: "512, or 400 each for three",
    help: "jars only: a broker's Java heap",
  }),
  engine: choice({
    flag: "kafka-engine",
    choices: ["auto", "docker", "jars"],
    default: "auto",
    help: "what runs Kafka; auto takes docker where an engine answers and nothing was asked that only the jars can do",
  }),
  wipe: onOff({ flag: "wipe", help: "down only: delete the data as well" }),
};
