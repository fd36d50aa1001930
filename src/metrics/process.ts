/**
 * The process's own metrics, under Prometheus's usual names. prom-client's default ones are made for Node: under Bun some of them are
 * far from true.
 */
import { readdirSync } from "node:fs";
import type { Registry } from "./registry.ts";

export function addProcessMetrics(registry: Registry, version: string): void {
  const startedAt = Date.now() / 1000 - process.uptime();
  registry.gauge({
    name: "process_start_time_seconds",
    help: "Start of the process, in seconds since 1970.",
    read: () => startedAt,
  });
  registry.gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory.",
    read: () => process.memoryUsage.rss(),
  });
  registry.counter({
    name: "process_cpu_seconds_total",
    help: "CPU time of all threads, user and system.",
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  });
  registry.gauge({ name: "process_open_fds", help: "Open file descriptors.", read: openFileDescriptors });
  registry.gauge({
    name: "sluice_build_info",
    help: "Versions; the value is always 1.",
    labels: ["version", "bun"],
    read: () => [[{ version, bun: Bun.version }, 1]],
  });
}

/** No value where the system has no /proc. */
function openFileDescriptors(): number | [] {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return [];
  }
}
