/**
 * Kafka's own jars and everything they need at run time, fetched from Maven Central once a machine into the cache.
 * A folder that has its final name is whole: a fetch works in a folder beside it and renames it at the end.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../src/cache.ts";
import { jarsCannotBeFetched, mavenIsMissing } from "./failure.ts";
import { withLock } from "./lock.ts";

const UNFINISHED = "unfinished-";
const FETCH_LIMIT_MS = 15 * 60_000;
/** Pinned, so that the same command does the same thing on every machine. */
const COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

export interface Release {
  readonly version: string;
  /** What to fetch, as `group:artifact:version`; Kafka leaves the choice of a logging backend open, so one is named here. */
  readonly artifacts: readonly string[];
}

export const KRAFT_RELEASE: Release = {
  version: "4.3.1",
  artifacts: [
    "org.apache.kafka:kafka_2.13:4.3.1",
    "org.apache.kafka:kafka-tools:4.3.1",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
  ],
};

export const ZOOKEEPER_RELEASE: Release = {
  version: "2.8.2",
  artifacts: ["org.apache.kafka:kafka_2.13:2.8.2", "org.slf4j:slf4j-reload4j:1.7.36"],
};

/** The folder with the release's jars, fetched first if need be. */
export async function jarFolder(release: Release, onProgress: (line: string) => void): Promise<string> {
  const parent = join(cacheFolder(), `kafka-${release.version}`);
  // The name holds what was asked for, so that another choice of artifacts is another folder.
  const folder = join(parent, `jars-${Bun.hash(release.artifacts.join("\n")).toString(16).slice(0, 8)}`);
  if (existsSync(folder)) return folder;
  const waiting = () => onProgress(`another process is fetching the jars of Kafka ${release.version}; waiting for it`);
  return withLock(join(parent, "fetch.lock"), waiting, async () => {
    if (!existsSync(folder)) await fetchJars(release, folder, onProgress);
    return folder;
  });
}

async function fetchJars(release: Release, folder: string, onProgress: (line: string) => void): Promise<void> {
  const maven = Bun.which("mvn");
  if (!maven) throw mavenIsMissing();
  onProgress(`fetching the jars of Kafka ${release.version} from Maven Central, once, into ${folder}`);
  const startedMs = performance.now();
  const parent = dirname(folder);
  // Under the lock, so these were left by fetches that were killed; a Maven that outlived one may still write to its own.
  for (const name of readdirSync(parent).filter((one) => one.startsWith(UNFINISHED))) {
    rmSync(join(parent, name), { recursive: true, force: true });
  }
  const unfinished = mkdtempSync(join(parent, UNFINISHED));
  try {
    const count = await runMaven(release, { maven, folder: unfinished });
    renameSync(unfinished, folder);
    onProgress(`fetched ${count} jars in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Fetches into `folder`/lib and returns how many jars that were. */
async function runMaven(release: Release, o: { maven: string; folder: string }): Promise<number> {
  const pomFile = join(o.folder, "pom.xml");
  const library = join(o.folder, "lib");
  mkdirSync(library);
  await Bun.write(pomFile, pom(release));
  const command = [
    o.maven,
    "-q",
    "-B",
    "-f",
    pomFile,
    COPY_GOAL,
    "-DincludeScope=runtime",
    `-DoutputDirectory=${library}`,
  ];
  const run = Bun.spawn(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: FETCH_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const [output, errors, exitCode] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  // The first lines name the cause; the rest is advice on Maven's own flags.
  const lines = Bun.stripANSI(`${output}\n${errors}`)
    .split("\n")
    .filter((line) => line.replace("[ERROR]", "").trim() !== "");
  if (exitCode !== 0) throw jarsCannotBeFetched(release.version, lines.slice(0, 4).join("\n"));
  const count = readdirSync(library).filter((name) => name.endsWith(".jar")).length;
  if (count < release.artifacts.length)
    throw jarsCannotBeFetched(release.version, `nothing amiss, but there are ${count} jars`);
  return count;
}

function pom(release: Release): string {
  const dependencies = release.artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(":");
    return `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId>
  <artifactId>kafka-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${dependencies.join("\n")}
  </dependencies>
</project>
`;
}

/** The class path of a folder that `jarFolder` returned. */
export function classPath(folder: string): string {
  return join(folder, "lib", "*");
}
