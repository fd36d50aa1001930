/**
 * docker-compose.yml and the Dockerfile, checked without an engine: against the Compose specification's schema, and against
 * the code, so that no port, variable, command or version in them drifts from what the code says.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { parse } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import { defaultPorts } from "../../scripts/kafka/cluster.ts";
import { COMPOSE_FILE, COMPOSE_KRAFT, COMPOSE_ZOOKEEPER, type ComposeCluster } from "../../scripts/kafka/compose.ts";
import { kafkaOptions } from "../../src/options/common.ts";
import { consumeOptions } from "../../src/options/consume.ts";
import { environmentName, type OptionTable } from "../../src/options/core.ts";
import { serveOptions } from "../../src/options/serve.ts";
import composeSchema from "./compose-spec.json" with { type: "json" };

interface Service {
  image?: string;
  build?: string;
  profiles?: string[];
  command?: string[];
  container_name?: string;
  ports?: string[];
  volumes?: string[];
  environment: Record<string, string | number>;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

const root = join(import.meta.dir, "../..");
const compose: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(
  await Bun.file(COMPOSE_FILE).text(),
  {
    merge: true,
  },
);
const dockerfile = await Bun.file(join(root, "Dockerfile")).text();
const services = Object.entries(compose.services);
const kraft = services.filter(([, service]) => service.image?.startsWith("apache/kafka:"));

function service(name: string): Service {
  const found = compose.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

function published(name: string) {
  return (service(name).ports ?? []).map((port) => {
    const [host, outside, inside] = port.split(":");
    return { host, outside: Number(outside), inside: Number(inside) };
  });
}

describe("docker-compose.yml", () => {
  test("is valid by the Compose specification", () => {
    // The draft is named by an address Ajv does not know it by; it is Ajv's default.
    const { $schema: _, ...schema } = composeSchema;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    validate(compose);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { kafka: { image: "apache/kafka", prots: [] } } })).toBe(false);
  });

  test("publishes on the loopback address only, each port once", () => {
    const all = services.flatMap(([name]) => published(name));
    expect(all.filter(({ host }) => host !== "127.0.0.1")).toEqual([]);
    expect(new Set(all.map(({ outside }) => outside)).size).toBe(all.length);
  });

  test("declares every volume it mounts", () => {
    const mounted = services.flatMap(([, one]) => one.volumes ?? []).map((volume) => volume.split(":")[0] ?? "");
    expect([...new Set(mounted)].sort()).toEqual(Object.keys(compose.volumes).sort());
  });
});

describe("the brokers", () => {
  test("are three, in one quorum, each with its own id, volume and health check", () => {
    expect(kraft.map(([name]) => name)).toEqual([...COMPOSE_KRAFT.services]);
    const ids = kraft.map(([, one]) => one.environment.KAFKA_NODE_ID);
    expect(ids).toEqual([1, 2, 3]);
    expect(new Set(kraft.flatMap(([, one]) => one.volumes)).size).toBe(3);
    for (const [, one] of kraft) {
      const voters = String(one.environment.KAFKA_CONTROLLER_QUORUM_VOTERS).split(",");
      expect(voters).toEqual(kraft.map(([name], index) => `${ids[index]}@${name}:29093`));
      expect(one.healthcheck?.test).toBeDefined();
      expect(one.profiles).toBeUndefined();
    }
  });

  test("have a cluster id that is one: 16 bytes in base64url", () => {
    const ids = new Set(kraft.map(([, one]) => String(one.environment.CLUSTER_ID)));
    expect(ids.size).toBe(1);
    for (const id of ids) expect(Buffer.from(id, "base64url").toString("base64url")).toBe(id);
  });

  test("keep three replicas, two of them in sync", () => {
    for (const [, { environment }] of kraft) {
      expect(environment.KAFKA_DEFAULT_REPLICATION_FACTOR).toBe(3);
      expect(environment.KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR).toBe(3);
      expect(environment.KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR).toBe(3);
      expect(environment.KAFKA_MIN_INSYNC_REPLICAS).toBe(2);
      expect(environment.KAFKA_TRANSACTION_STATE_LOG_MIN_ISR).toBe(2);
    }
  });

  test.each([COMPOSE_KRAFT, COMPOSE_ZOOKEEPER])(
    "are where `kafka up` looks for them: $services",
    (cluster: ComposeCluster) => {
      for (const { service: name, port } of cluster.brokers) {
        expect(published(name)).toEqual([{ host: "127.0.0.1", outside: port, inside: 9092 }]);
        const advertised = String(service(name).environment.KAFKA_ADVERTISED_LISTENERS).split(",");
        expect(advertised).toEqual([`HOST://127.0.0.1:${port}`, `INTERNAL://${name}:19092`]);
      }
      for (const name of cluster.services) expect(service(name).profiles?.[0]).toBe(cluster.profile);
      const tag = service(cluster.brokers[0]?.service ?? "").image?.split(":")[1];
      expect(cluster.version).toContain(tag ?? "no tag");
    },
  );

  test("have the addresses that the commands and the jars take by default", () => {
    const ports = COMPOSE_KRAFT.brokers.map(({ port }) => port);
    expect(ports).toEqual(defaultPorts(3));
    expect(kafkaOptions.kafkaBrokers.defaultValue).toBe(`127.0.0.1:${ports[0]}`);
  });
});

describe("serve and consume", () => {
  const tables: Record<string, OptionTable> = { serve: serveOptions, consume: consumeOptions };

  test.each(Object.keys(tables))("%s has only variables that it knows, with values that it takes", (name) => {
    const options = new Map(Object.values(tables[name] ?? {}).map((option) => [environmentName(option.flag), option]));
    const assigned = (service(name).command ?? []).join(" ").matchAll(/\b([A-Z][A-Z_]+)=("[^"]*"|\S+)/g);
    const variables = [
      ...Object.entries(service(name).environment),
      ...[...assigned].map(([, key = "", value]) => [key, value] as const),
    ];
    expect(variables.length).toBeGreaterThan(0);
    for (const [variable, value] of variables) {
      const option = options.get(variable);
      expect(option, `${variable} is no option of ${name}`).toBeDefined();
      expect(() => option?.read(String(value))).not.toThrow();
    }
  });

  test("reach the brokers by their internal listeners, once those are healthy", () => {
    for (const name of ["serve", "consume"]) {
      expect(service(name).environment.KAFKA_BROKERS).toBe(
        COMPOSE_KRAFT.services.map((broker) => `${broker}:19092`).join(","),
      );
      expect(Object.keys(service(name).depends_on ?? {})).toEqual([...COMPOSE_KRAFT.services]);
      expect(service(name).profiles).toEqual(["app"]);
      expect(service(name).build).toBe(".");
    }
  });

  test("run what is there", () => {
    for (const name of ["serve", "consume"]) {
      const paths = [...(service(name).command ?? []).join(" ").matchAll(/\b(?:src|scripts)\/[\w/-]+\.ts\b/g)].map(
        ([path]) => path,
      );
      expect(paths).toEqual([`src/${name}.ts`]);
      for (const path of paths) expect(existsSync(join(root, path)), path).toBe(true);
    }
  });

  test("serve is published at its default port, and asked for its status", () => {
    const port = serveOptions.port.defaultValue;
    expect(published("serve")).toEqual([{ host: "127.0.0.1", outside: port, inside: port }]);
    expect(service("serve").environment).toMatchObject({ HOST: "0.0.0.0", PORT: port, OPEN: "true" });
    expect(service("serve").healthcheck?.test.join(" ")).toContain(`http://127.0.0.1:${port}/get_status`);
  });

  test("consume can be scaled: no fixed name, no port, and a log file a replica", () => {
    const consume = service("consume");
    expect(consume.container_name).toBeUndefined();
    expect(consume.ports).toBeUndefined();
    // `$$` is Compose's way to leave a `$` to the shell.
    expect(consume.command?.join(" ")).toContain('LOG_FILE="/var/lib/sluice/$$(hostname)/consumer.log" exec bun');
    expect(consume.volumes).toEqual(["consumer-logs:/var/lib/sluice"]);
  });
});

describe("the Dockerfile", () => {
  test("has the Bun that package.json pins, and no other base", () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(bases).toEqual([`oven/bun:${packageJson.engines.bun}-slim`, "base", "base"]);
  });

  test("copies and runs only what is there, and .dockerignore lets it through", async () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = ""]) =>
      sources.split(" "),
    );
    const run = [...dockerfile.matchAll(/\b(?:src|scripts)\/[\w/-]+\.ts\b/g)].map(([path]) => path);
    for (const path of [...copied, ...run]) expect(existsSync(join(root, path)), path).toBe(true);
    const ignored = await Bun.file(join(root, ".dockerignore")).text();
    const allowed = [...ignored.matchAll(/^!(.+)$/gm)].map(([, path = ""]) => path);
    for (const path of copied)
      expect(
        allowed.some((one) => path === one || path.startsWith(`${one}/`)),
        path,
      ).toBe(true);
  });

  test("ends as one process that is not root and takes its signals itself", () => {
    expect(dockerfile).toContain("\nUSER bun\n");
    expect(dockerfile).toContain("\nSTOPSIGNAL SIGTERM\n");
    expect(dockerfile).toContain('\nCMD ["bun", "src/serve.ts"]\n');
  });
});
