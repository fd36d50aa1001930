/** A broker that lets nobody in without a password: SCRAM-SHA-256, once over TLS with a certificate of its own making, once without. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePorts, startCluster } from "../../scripts/kafka/cluster.ts";
import { findJava } from "../../scripts/kafka/java.ts";

export interface SecuredKafka {
  /** SASL_SSL: "host:port". */
  readonly overTls: string;
  /** SASL_PLAINTEXT. */
  readonly withoutTls: string;
  readonly user: string;
  readonly password: string;
  /** The authority that signed the broker's certificate, as a PEM file. */
  readonly caFile: string;
  stop(): Promise<void>;
}

const STORE_PASSWORD = "for-tests-only";
const SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;";

export async function startSecuredKafka(): Promise<SecuredKafka> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-secured-kafka-"));
  const [user, password] = ["sluice", `pw-${crypto.randomUUID()}`];
  const certificate = await makeCertificate(folder);
  const [port, tls, plain] = (await freePorts(3)) as [number, number, number];
  const cluster = await startCluster({
    brokers: 1,
    ports: [port],
    dataFolder: folder,
    secured: {
      ports: { SASL_SSL: tls, SASL_PLAINTEXT: plain },
      scramUser: `name=${user},password=${password}`,
      properties: {
        "sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": SCRAM,
        "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": SCRAM,
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": certificate.store,
        "ssl.keystore.password": STORE_PASSWORD,
      },
    },
  });
  return {
    overTls: `127.0.0.1:${tls}`,
    withoutTls: `127.0.0.1:${plain}`,
    user,
    password,
    caFile: certificate.caFile,
    async stop() {
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A self-signed certificate for 127.0.0.1, which is its own authority. */
async function makeCertificate(folder: string): Promise<{ store: string; caFile: string }> {
  const [store, caFile] = [join(folder, "broker.p12"), join(folder, "ca.pem")];
  const common = ["-alias", "broker", "-keystore", store, "-storetype", "PKCS12", "-storepass", STORE_PASSWORD];
  const owner = ["-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1", "-ext", "bc:c"];
  await keytool("-genkeypair", "-keyalg", "EC", "-validity", "2", ...owner, ...common);
  await keytool("-exportcert", "-rfc", "-file", caFile, ...common);
  return { store, caFile };
}

async function keytool(...args: readonly string[]): Promise<void> {
  const program = join(dirname((await findJava()).path), "keytool");
  const run = Bun.spawn([program, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [said, complained, exitCode] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  if (exitCode !== 0) throw new Error(`keytool ${args[0]} failed: ${said}${complained}`);
}
