/** The OpenAPI document, as a server serves it at /openapi.json. */
import packageJson from "../../package.json" with { type: "json" };
import { createSite } from "../../src/http/index.ts";
import { Filed, Ingest } from "../../src/ingest/index.ts";
import { createLog } from "../../src/log.ts";
import { parseOptions } from "../../src/options/core.ts";
import { serveOptions } from "../../src/options/serve.ts";

export async function openApiDocument(): Promise<Record<string, unknown>> {
  const limits = parseOptions(serveOptions, [], {});
  // It is only asked for its document: nothing is ever published.
  const ingest = new Ingest({
    publish: () => {},
    kafkaAwayMs: () => 0,
    limits,
    buffer: { lingerMs: undefined, maxEvents: undefined, maxBytes: undefined },
  });
  ingest.stop();
  const { app } = createSite({
    ingest,
    filed: new Filed({
      readCommitted: () => Promise.resolve(new Map()),
      readHighWatermarks: () => Promise.resolve(new Map()),
      timeoutMs: limits.filedTimeoutMs,
      maxWaiting: 0,
    }),
    state: () => ({
      kafka: { isReachable: false, awayMs: 0, brokers: "", topic: "", isTopicReady: false },
      isStopping: true,
      spool: undefined,
      dedupe: undefined,
      waitingForFile: 0,
      place: undefined,
    }),
    isStopping: () => true,
    metrics: () => Promise.resolve(new Response()),
    log: createLog("docs", "silent"),
    version: packageJson.version,
    limits,
    topics: [limits.kafkaTopic],
    ack: limits.ack,
    rules: { keyMember: undefined, schemaProblem: undefined },
    deadLetters: undefined,
    keys: undefined,
    corsOrigins: undefined,
  });
  const response = await app.handle(new Request("http://localhost/openapi.json"));
  return (await response.json()) as Record<string, unknown>;
}
