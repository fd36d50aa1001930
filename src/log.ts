/** The log of every command: pino, one JSON object a line on standard error, so that standard output stays the command's own. */
import pino from "pino";

export type Log = pino.Logger;

/** `fields` stand in every line. */
export function createLog(command: string, level: string, fields: object = {}): Log {
  return pino(
    {
      level,
      base: { command, ...fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: the last line before an exit is the one that matters most.
    pino.destination({ dest: 2, sync: true }),
  );
}
