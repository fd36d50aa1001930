/** Options of `bun run consume` about the log file: when it reaches the disk, when it is closed, and what becomes of it then. */
import { choice, integerOr, text } from "./core.ts";

export const logFileOptions = {
  logFile: text({
    flag: "log-file",
    placeholder: "<path>",
    default: "consumer.log",
    help: "the file that gets a line a record; one consume process a file",
  }),
  fsync: text({
    flag: "fsync",
    placeholder: "off|batch|<ms>",
    default: "off",
    help: "when lines must be on the disk before their offsets are committed: left to the system, with every batch, or once every so many ms",
    check: (value) => (readFsync(value) === undefined ? "must be off, batch, or 1 to 10000 ms" : undefined),
  }),
  rotateSize: integerOr({
    flag: "rotate-size",
    placeholder: "<bytes>",
    min: 1000,
    max: 1e15,
    defaultText: "never",
    help: "close the log file when it is this large, and begin a new one",
  }),
  rotateInterval: integerOr({
    flag: "rotate-interval",
    placeholder: "<s>",
    min: 1,
    max: 31_622_400,
    defaultText: "never",
    help: "close the log file when it is this old, unless it is empty",
  }),
  keep: integerOr({
    flag: "keep",
    placeholder: "<count>",
    min: 1,
    max: 1_000_000,
    defaultText: "all",
    help: "closed files to keep; older ones are deleted",
  }),
  compress: choice({
    flag: "compress",
    choices: ["off", "gzip", "zstd"],
    default: "off",
    help: "how closed files are compressed",
  }),
};

/** Undefined for what is none of these. */
export function readFsync(value: string): "off" | "batch" | number | undefined {
  if (value === "off" || value === "batch") return value;
  const ms = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  return ms >= 1 && ms <= 10_000 ? ms : undefined;
}
