/**
 * The HTTP producer: wires http → ingest → kafka, runs until a signal, drains. `serve` returns the exit code; what is wrong with what an
 * option names is thrown as a `UsageError`.
 */
import packageJson from "../../package.json" with { type: "json" };
import type { StopSignal } from "../command.ts";
import { createSite, listen, type ServerState } from "../http/index.ts";
import { DeadLetters, DedupeWindow, Filed, Ingest, LATENCY_BOUNDS_MS } from "../ingest/index.ts";
import { library } from "../kafka/index.ts";
import { kafkaProperties } from "../kafka-config.ts";
import { createLog } from "../log.ts";
import { serveMetrics } from "../metrics/index.ts";
import type { Values } from "../options/core.ts";
import { shareOf } from "../options/processes.ts";
import { checkServe, type serveOptions } from "../options/serve.ts";
import { placeOf } from "../processes/index.ts";
import { openAccess, openSchemas } from "./access.ts";
import { drain } from "./drain.ts";
import { connect, plannedClients, topicsOf } from "./kafka.ts";
import { joinProcesses, sharingOf } from "./processes.ts";
import { refill } from "./refill.ts";
import { openSpool } from "./spool.ts";

type Options = Values<typeof serveOptions>;

export async function serve(given: Options, stop: StopSignal): Promise<number> {
  checkServe(given);
  const place = placeOf(process.env);
  const options = place ? shareOf(given) : given;
  const properties = kafkaProperties(options.kafkaConfig, (given) => plannedClients(options, given));
  const log = createLog("serve", options.logLevel, place && { process: place.index });
  const { version, source, path } = library().info;
  log.info({ librdkafka: version, source, path }, "starting");
  const schemas = openSchemas(options, log);
  const access = await openAccess(options, log);
  const kafka = connect(options, properties, log);
  const { reachability, publish } = kafka;
  const spool =
    options.spool === undefined
      ? undefined
      : await openSpool({ ...options, topics: topicsOf(options), place }, options.spool, kafka, () => ingest, log);
  const window = options.dedupeWindow > 0 ? new DedupeWindow(options.dedupeWindow) : undefined;
  const ingest: Ingest = new Ingest({
    publish,
    kafkaAwayMs: () => reachability.awayMs,
    limits: options,
    buffer: {
      lingerMs: options.lingerMs,
      maxEvents: options.batchMaxEvents,
      maxBytes: options.batchMaxBytes,
      isOneOfSeveral: options.processes > 1,
    },
    window,
    spool: spool && { door: spool, afterMs: options.spoolAfterMs },
  });
  const filed = new Filed({ ...kafka, timeoutMs: options.filedTimeoutMs, maxWaiting: options.maxPendingEvents });
  const deadLetters = options.deadLetter
    ? new DeadLetters({ topic: options.deadLetterTopic, publish, log })
    : undefined;
  const metrics = serveMetrics({
    version: packageJson.version,
    counts: () => ingest.counts,
    buffer: () => {
      const { bodyBytes, waitingBytes } = ingest.admission;
      return { ...ingest.fill, bodyBytes, waitingBytes, oldestMs: ingest.oldestMs };
    },
    limits: options,
    latency: () => ({ bounds: LATENCY_BOUNDS_MS, counts: ingest.latency.counts, sum: ingest.latency.sumMs }),
    isKafkaReachable: () => reachability.isReachable,
    producerRestarts: () => kafka.producer.retirements,
    spool: spool && (() => spool.fill),
    dedupeEvents: window && (() => window.events),
    deadLetters: deadLetters && (() => deadLetters.counts),
  });
  const link = place && joinProcesses({ place, metrics, stop, log });
  const state = (): ServerState => ({
    kafka: {
      isReachable: reachability.isReachable,
      awayMs: reachability.awayMs,
      brokers: access.keys ? undefined : options.kafkaBrokers,
      topic: options.kafkaTopic,
      isTopicReady: kafka.topics.every((topic) => topic.isReady),
    },
    isStopping: stop.requested,
    spool: spool?.fill,
    dedupe: window && { events: window.events, maxEvents: window.maxEvents, isFilled: window.isFilled },
    waitingForFile: filed.waiting,
    place,
  });
  const server = listen(
    createSite({
      ingest,
      filed,
      state,
      isStopping: () => stop.requested,
      log,
      version: packageJson.version,
      limits: options,
      topics: topicsOf(options),
      ack: options.ack,
      rules: {
        keyMember: options.keyMember,
        schemaProblem: schemas && ((type, value) => schemas.check(type, value)),
      },
      deadLetters,
      metrics: () => (link ?? metrics).response(),
      ...access,
    }),
    { host: options.host, port: place?.port ?? options.port, sharing: sharingOf(place), tls: access.tls, log },
  );
  if (access.tls) process.on("SIGHUP", server.reloadTls);
  if (link) link.announce(server);
  else
    log.info({ url: server.url, kafka: options.kafkaBrokers, topic: options.kafkaTopic }, `listening on ${server.url}`);

  if (window) void refill({ window, topics: topicsOf(options), admin: kafka.admin, reader: kafka.reader, log, stop });
  const signal = await stop.whenRequested;
  const end = await drain({ ingest, filed, deadLetters, spool, server, kafka, options, log, signal });
  schemas?.close();
  access.close();
  log.info({ ...end, counts: ingest.counts }, "stopped");
  return 0;
}
