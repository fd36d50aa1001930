/** serve as a process of its own, for scripts that send requests to it: on an embedded broker, or on a Kafka that they name. */
import { join } from "node:path";
import { MockCluster } from "../../src/kafka/index.ts";

export interface ServeProcess {
  readonly url: string;
  readonly pid: number;
  /** Undefined while it runs. */
  readonly ended: () => string | undefined;
  /** Its exit code after SIGTERM. */
  readonly stop: () => Promise<number>;
  /** The last of what it logged. */
  readonly log: () => string;
}

type Use<T> = (serve: ServeProcess) => Promise<T>;

/** On an embedded broker with the topic `events`. */
export async function withServe<T>(args: readonly string[], use: Use<T>): Promise<T> {
  const mock = new MockCluster(1);
  try {
    mock.createTopic("events", 4);
    return await withServeOn(mock.bootstrap, args, use);
  } finally {
    await mock.close();
  }
}

/** Resolves once it takes events. Where `use` throws or returns, nothing is left running. */
export async function withServeOn<T>(brokers: string, args: readonly string[], use: Use<T>): Promise<T> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../src/serve.ts"), "--port", "0", ...args], {
    // What it says when it is up is waited for, whatever the shell's own LOG_LEVEL keeps quiet.
    env: { ...process.env, KAFKA_BROKERS: brokers, PORT: "0", LOG_LEVEL: "info" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  try {
    const log = { text: "" };
    const url = await urlOf(child.stderr, log);
    return await use({
      url,
      pid: child.pid,
      ended: () =>
        child.exitCode === null && child.signalCode === null ? undefined : String(child.exitCode ?? child.signalCode),
      stop: () => {
        child.kill("SIGTERM");
        return child.exited;
      },
      log: () => log.text,
    });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** From serve's log, which is read on, or it would block. */
function urlOf(stderr: ReadableStream<Uint8Array>, log: { text: string }): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void (async () => {
    for await (const chunk of stderr) {
      log.text = (log.text + Buffer.from(chunk).toString()).slice(-10_000);
      const url = /"url":"(http[^"]+)"/.exec(log.text)?.[1];
      if (url && log.text.includes("Kafka is reachable")) resolve(url);
    }
    reject(new Error(`serve ended: ${log.text}`));
  })();
  return promise;
}

/** Resident memory of a process. Linux keeps it in /proc; elsewhere too, ps says it in KiB. */
export async function residentBytes(pid: number): Promise<number> {
  const ps = Bun.spawn(["ps", "-o", "rss=", "-p", String(pid)], { stdout: "pipe" });
  return Number(await ps.stdout.text()) * 1024;
}
