/** How Kafka clients tell the outside what happens to them: log lines, never exceptions. */
import { codeName } from "./error.ts";
import type { ErrorEvent, LogEvent } from "./native/index.ts";
import { CODES } from "./native/index.ts";

export type KafkaLogLevel = "error" | "warn" | "info" | "debug";
export type KafkaLog = (level: KafkaLogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

/** librdkafka's syslog severities in the levels used here. */
function levelOf(severity: number): KafkaLogLevel {
  if (severity <= 2) return "error";
  // librdkafka says "error" (3) of every refused connection, over and over; that is a warning to us, who have `reachable`.
  if (severity <= 4) return "warn";
  return severity <= 6 ? "info" : "debug";
}

export function logLine(log: KafkaLog, client: string, event: LogEvent): void {
  log(levelOf(event.severity), event.message, { client, facility: event.facility });
}

export function logError(log: KafkaLog, client: string, event: ErrorEvent): void {
  // "N/N brokers are down" comes several times a second during an outage, and not reliably: `reachable` and the lag tell better.
  const isNoise = event.code === CODES.ERR__ALL_BROKERS_DOWN;
  log(event.isFatal ? "error" : isNoise ? "debug" : "warn", event.message, {
    client,
    error: codeName(event.code),
    fatal: event.isFatal,
  });
}
