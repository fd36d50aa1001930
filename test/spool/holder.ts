/** A process that spools numbered events as fast as it can, and says on its standard output which are on the disk. Killed by the test. */
import pino from "pino";
import { Spool } from "../../src/spool/index.ts";

const [folder, from] = process.argv.slice(2);
const log = pino({ level: "silent" });
const spool = await Spool.open({
  folder: folder!,
  maxBytes: 1e9,
  log,
  drain: { publish: () => {}, isKafkaThere: () => false, pressure: () => 0, log },
});
let next = Number(from);
const encoder = new TextEncoder();
function put(): void {
  const n = next++;
  const event = {
    topic: "t",
    key: `k${n % 5}`,
    value: encoder.encode(`${n}`),
    headers: [],
    timestampMs: undefined,
    bytes: 10,
  };
  spool.put(event, (problem) => {
    process.stdout.write(problem ? `failed ${n}\n` : `stored ${n}\n`);
    put();
  });
}
for (let i = 0; i < 50; i++) put();
