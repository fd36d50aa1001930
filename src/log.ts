/** The log of every command: pino, one JSON object a line on standard error, so that standard output stays the command's own. */
import pino from "pino";

export type Log = pino.Logger;

export function createLog(command: string, level: string): Log {
  return pino(
    {
      level,
      base: { command },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: the last line before an exit is the one that matters most.
    pino.destination({ dest: 2, sync: true }),
  );
}
