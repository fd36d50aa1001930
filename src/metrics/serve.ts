/** What serve tells Prometheus. */
import { addProcessMetrics } from "./process.ts";
import { type HistogramReading, Registry } from "./registry.ts";

export interface ServeSources {
  readonly version: string;
  readonly counts: () => {
    readonly accepted: number;
    readonly acked: number;
    readonly spooled: number;
    readonly unknown: number;
    readonly repeated: number;
    readonly refused: Readonly<Record<string, number>>;
  };
  readonly buffer: () => {
    readonly pendingEvents: number;
    readonly pendingBytes: number;
    readonly bufferedEvents: number;
    readonly bodyBytes: number;
    readonly waitingBytes: number;
    readonly oldestMs: number;
  };
  readonly limits: { readonly maxPendingEvents: number; readonly maxPendingBytes: number };
  /** In ms. */
  readonly latency: () => HistogramReading;
  readonly isKafkaReachable: () => boolean;
  /** Kafka clients that were replaced after a fatal error. */
  readonly producerRestarts: () => number;
  readonly spool: (() => SpoolReading) | undefined;
  readonly dedupeEvents: (() => number) | undefined;
  readonly deadLetters: (() => Readonly<Record<"published" | "failed" | "dropped", number>>) | undefined;
}

interface SpoolReading {
  readonly events: number;
  readonly bytes: number;
  readonly oldestMs: number;
  readonly rejected: number;
}

export function serveMetrics(sources: ServeSources): Registry {
  const registry = new Registry();
  const { counts, buffer, limits } = sources;
  addProcessMetrics(registry, sources.version);
  const event = (end: string, help: string, read: () => number) =>
    registry.counter({ name: `sluice_events_${end}_total`, help, read });
  event("accepted", "Events taken in.", () => counts().accepted);
  event("acked", "Events answered after the acknowledgement of every in-sync replica.", () => counts().acked);
  event("spooled", "Events answered after they were on this machine's disk.", () => counts().spooled);
  event("unknown", "Events of which it was not known whether they are in Kafka.", () => counts().unknown);
  event("repeated", "Events that were sent before, answered from the dedupe window.", () => counts().repeated);
  registry.counter({
    name: "sluice_events_refused_total",
    help: "Events and requests refused, by the code of the answer.",
    labels: ["code"],
    read: () => Object.entries(counts().refused).map(([code, count]) => [{ code }, count]),
  });
  const gauge = (name: string, help: string, read: () => number) =>
    registry.gauge({ name: `sluice_${name}`, help, read });
  gauge("pending_events", "Events accepted and without Kafka's word.", () => buffer().pendingEvents);
  gauge("pending_bytes", "Bytes of events accepted and without Kafka's word.", () => buffer().pendingBytes);
  gauge("pending_events_limit", "Past it events are refused.", () => limits.maxPendingEvents);
  gauge("pending_bytes_limit", "Past it events are refused.", () => limits.maxPendingBytes);
  gauge("buffered_events", "Of the pending events, those that linger in the buffer.", () => buffer().bufferedEvents);
  gauge("body_bytes", "Bytes of bodies that are being read.", () => buffer().bodyBytes);
  gauge("waiting_bytes", "Bytes of batches that wait until less is under way.", () => buffer().waitingBytes);
  gauge("oldest_unacked_seconds", "Age of the oldest unanswered event; 0: none.", () => buffer().oldestMs / 1000);
  gauge("kafka_reachable", "1 while Kafka can be reached.", () => Number(sources.isKafkaReachable()));
  registry.counter({
    name: "sluice_producer_restarts_total",
    help: "Kafka clients replaced after a fatal error.",
    read: sources.producerRestarts,
  });
  registry.histogram("sluice_delivery_seconds", "From an event's acceptance to its acknowledgement.", () =>
    inSeconds(sources.latency()),
  );
  addOptional(registry, sources);
  return registry;
}

function addOptional(registry: Registry, { spool, dedupeEvents, deadLetters }: ServeSources): void {
  if (spool) {
    registry.gauge({ name: "sluice_spool_events", help: "Events in the spool.", read: () => spool().events });
    registry.gauge({
      name: "sluice_spool_rejected_events",
      help: "Spooled events that Kafka does not take, kept aside in the spool.",
      read: () => spool().rejected,
    });
    registry.gauge({ name: "sluice_spool_bytes", help: "Bytes in the spool.", read: () => spool().bytes });
    registry.gauge({
      name: "sluice_spool_oldest_seconds",
      help: "Age of the oldest event in the spool; 0: none.",
      read: () => spool().oldestMs / 1000,
    });
  }
  if (dedupeEvents)
    registry.gauge({ name: "sluice_dedupe_events", help: "Events in the dedupe window.", read: dedupeEvents });
  if (deadLetters)
    registry.counter({
      name: "sluice_dead_letters_total",
      help: "Events that their schema refused, by what became of them.",
      labels: ["end"],
      read: () => Object.entries(deadLetters()).map(([end, count]) => [{ end }, count]),
    });
}

function inSeconds({ bounds, counts, sum }: HistogramReading): HistogramReading {
  return { bounds: bounds.map((ms) => ms / 1000), counts, sum: sum / 1000 };
}
