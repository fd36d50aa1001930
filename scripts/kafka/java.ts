/** Finds a Java that can run Kafka (17 or later): JAVA_HOME's, else the PATH's. Says what to install where there is none. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { javaIsMissing } from "./failure.ts";

const LOWEST_MAJOR = 17;

export interface Java {
  readonly path: string;
  readonly major: number;
}

/** The Java to run brokers with; throws a KafkaFailure that says what is missing. */
export async function findJava(environment: Readonly<Record<string, string | undefined>> = process.env): Promise<Java> {
  const home = environment.JAVA_HOME ? join(environment.JAVA_HOME, "bin/java") : undefined;
  const path = home && existsSync(home) ? home : Bun.which("java", { PATH: environment.PATH ?? "" });
  if (!path) throw javaIsMissing("there is no java in JAVA_HOME or on the PATH");
  const run = Bun.spawn([path, "-version"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  const said = await run.stderr.text();
  const major = javaMajor(said);
  // On macOS /usr/bin/java stands there without a Java behind it, and says so.
  if ((await run.exited) !== 0 || major === undefined)
    throw javaIsMissing(`${path} does not run: ${said.trim().split("\n")[0] ?? ""}`);
  if (major < LOWEST_MAJOR) throw javaIsMissing(`${path} is Java ${major}`);
  return { path, major };
}

/** The major version in what `java -version` prints: `"17.0.15"` is 17, and `"1.8.0_412"` is 8. */
export function javaMajor(versionText: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(versionText) ?? [];
  return first === undefined ? undefined : Number(first === "1" ? second : first);
}
