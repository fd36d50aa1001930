/** The HTTP side in this process, in front of a Kafka that answers when the test says so. */
import { createSite, type HttpOptions } from "../../src/http/index.ts";
import { Filed, Ingest, type PendingEvent } from "../../src/ingest/index.ts";
import { createLog } from "../../src/log.ts";
import { parseOptions } from "../../src/options/core.ts";
import { serveOptions } from "../../src/options/serve.ts";

export function makeHttp(args: readonly string[] = [], over: Partial<HttpOptions> = {}) {
  const limits = parseOptions(serveOptions, args, {});
  const waiting: (() => void)[] = [];
  const published: PendingEvent[] = [];
  const kafka = { awayMs: 0, isAcking: true };
  const ingest = new Ingest({
    publish: (batch, settle) => {
      const ack = (event: PendingEvent) =>
        settle(event, { status: "acked", topic: event.topic, partition: 0, offset: 0 });
      published.push(...batch);
      for (const event of batch) {
        if (kafka.isAcking) ack(event);
        else waiting.push(() => ack(event));
      }
    },
    kafkaAwayMs: () => kafka.awayMs,
    limits,
    buffer: { lingerMs: undefined, maxEvents: 1, maxBytes: undefined },
  });
  const nothing = () => Promise.resolve(new Map());
  const site = createSite({
    ingest,
    filed: new Filed({ readCommitted: nothing, readHighWatermarks: nothing, timeoutMs: 0, maxWaiting: 0 }),
    state: () => {
      throw new Error("not asked for");
    },
    isStopping: () => false,
    log: createLog("test", "silent"),
    version: "",
    limits,
    topics: ["events"],
    ack: "all",
    rules: { keyMember: undefined, schemaProblem: undefined },
    deadLetters: undefined,
    metrics: () => Promise.resolve(new Response()),
    keys: undefined,
    corsOrigins: undefined,
    ...over,
  });
  const { app } = site;
  return {
    site,
    app,
    ingest,
    kafka,
    /** Every event that was handed to Kafka. */
    published,
    /** Acks everything that waits. */
    ackAll: () => {
      for (const ack of waiting.splice(0)) ack();
    },
    post: (
      path: string,
      body: string | Uint8Array | ReadableStream,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<Response> =>
      Promise.resolve(
        app.handle(
          new Request(`http://localhost${path}`, {
            method: "POST",
            headers: { "content-type": "application/json", ...headers },
            body,
          }),
        ),
      ),
  };
}
