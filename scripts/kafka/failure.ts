/** What stops Kafka from being started or stopped: said to the user in one message with the ways out, never as a stack trace. */

/** The message is complete and meant for the user; the command prints it and ends with exit 1. */
export class KafkaFailure extends Error {
  override readonly name = "KafkaFailure";
}

const OTHER_WAYS = `Or start a Docker engine (with the compose plugin), or set KAFKA_BROKERS to a Kafka that already runs.`;

export function javaIsMissing(found: string): KafkaFailure {
  return new KafkaFailure(`Kafka needs Java 17 or later, and ${found}. Install it:
  Debian, Ubuntu  apt-get install openjdk-17-jre-headless maven
  Fedora          dnf install java-21-openjdk-headless maven
  macOS           brew install openjdk@21 maven
${OTHER_WAYS}`);
}

export function mavenIsMissing(): KafkaFailure {
  return new KafkaFailure(`Kafka's jars are fetched with Maven, and there is no mvn on the PATH. Install it:
  Debian, Ubuntu  apt-get install maven
  Fedora          dnf install maven
  macOS           brew install maven
${OTHER_WAYS}`);
}

export function jarsCannotBeFetched(version: string, output: string): KafkaFailure {
  return new KafkaFailure(`the jars of Kafka ${version} could not be fetched; Maven said:
${indent(output.trim() || "nothing")}
Check the network and Maven's settings (~/.m2/settings.xml: mirror, proxy) and try again. ${OTHER_WAYS}`);
}

export function portIsTaken(port: number): KafkaFailure {
  return new KafkaFailure(
    `port ${port} on 127.0.0.1 is in use by something that \`kafka up\` did not start. Free it, take another (--kafka-port), ` +
      `or, if that is a Kafka you want to use, set KAFKA_BROKERS=127.0.0.1:${port}.`,
  );
}

export function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
