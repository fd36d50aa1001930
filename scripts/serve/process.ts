/** serve as a process of its own on an embedded broker, for scripts that send requests to it. */
import { join } from "node:path";
import { MockCluster } from "../../src/kafka/index.ts";

export interface ServeProcess {
  readonly url: string;
  readonly pid: number;
  /** Undefined while it runs. */
  readonly ended: () => string | undefined;
  /** Its exit code after SIGTERM. */
  readonly stop: () => Promise<number>;
}

/** Resolves once it takes events. Where `use` throws or returns, nothing is left running. */
export async function withServe<T>(args: readonly string[], use: (serve: ServeProcess) => Promise<T>): Promise<T> {
  const mock = new MockCluster(1);
  mock.createTopic("events", 4);
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../src/serve.ts"), "--port", "0", ...args], {
    env: { ...process.env, KAFKA_BROKERS: mock.bootstrap, PORT: "0" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  try {
    return await use({
      url: await urlOf(child.stderr),
      pid: child.pid,
      ended: () =>
        child.exitCode === null && child.signalCode === null ? undefined : String(child.exitCode ?? child.signalCode),
      stop: () => {
        child.kill("SIGTERM");
        return child.exited;
      },
    });
  } finally {
    child.kill("SIGKILL");
    await mock.close();
  }
}

/** From serve's log, which is read on, or it would block. */
function urlOf(log: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void (async () => {
    let text = "";
    for await (const chunk of log) {
      text = (text + Buffer.from(chunk).toString()).slice(-10_000);
      const url = /"url":"(http[^"]+)"/.exec(text)?.[1];
      if (url && text.includes("Kafka is reachable")) resolve(url);
    }
    reject(new Error(`serve ended: ${text}`));
  })();
  return promise;
}
