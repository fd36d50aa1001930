/**
 * `bun run fuzz [requests] [--seed n]`: mutated requests against a real serve on the embedded broker. Exit 0 only where serve did not
 * crash, every answer was one of the documented ones and none a server error, and serve's memory stayed where it was.
 */
import { parseArgs } from "node:util";
import { REASONS, type ReasonCode } from "../src/outcome.ts";
import { Mutator } from "./fuzz/mutator.ts";
import { residentBytes, withServe } from "./serve/process.ts";

const CONNECTIONS = 64;
const WARM_UP = 0.3;
/** Kafka's word may be late under this load; the requests are no worse for it. */
const TOLERATED: ReadonlySet<string> = new Set(["overloaded", "delivery_unknown", "not_delivered"]);
const MAX_GROWTH_BYTES = 60_000_000;
const LIMITS = ["--max-event-bytes", "20000", "--max-batch-bytes", "60000", "--max-batch-events", "50"];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: { type: "string" } } });
const requests = Number(positionals[0] ?? 100_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
if (!Number.isSafeInteger(requests) || requests < 1 || !Number.isSafeInteger(seed)) {
  console.error("fuzz: bun run fuzz [requests] [--seed n]");
  process.exit(2);
}
console.log(`fuzz: ${requests} requests, seed ${seed}`);

const answers = new Map<string, number>();
const faults: string[] = [];
await withServe(LIMITS, async (serve) => {
  const mutator = new Mutator(seed);
  let sent = 0;
  let residentAfterWarmUp = 0;
  const sender = async () => {
    while (sent < requests && faults.length < 20) {
      sent++;
      if (sent === Math.floor(requests * WARM_UP)) residentAfterWarmUp = await residentBytes(serve.pid);
      const { path, headers, body } = mutator.next();
      const answer = await send(serve.url + path, { method: "POST", headers, body });
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      if (!isDocumented(answer))
        faults.push(
          `${answer}: ${path} ${JSON.stringify(headers)} ${Buffer.from(body).toString("base64").slice(0, 400)}`,
        );
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  const grown = (await residentBytes(serve.pid)) - residentAfterWarmUp;
  for (const [answer, count] of [...answers].sort((a, b) => b[1] - a[1]))
    console.log(`${String(count).padStart(8)}  ${answer}`);
  console.log(
    `memory: ${(residentAfterWarmUp / 1e6).toFixed(0)} MB after ${WARM_UP * 100} %, grown by ${(grown / 1e6).toFixed(0)} MB`,
  );
  if (grown > MAX_GROWTH_BYTES) faults.push(`serve's memory grew by ${grown} bytes`);
  if (serve.ended() !== undefined) faults.push(`serve ended: ${serve.ended()}`);
  const code = await serve.stop();
  if (code !== 0) faults.push(`serve ended with ${code}`);
});
for (const fault of faults) console.error(`FAULT ${fault}`);
console.log(faults.length === 0 ? "fuzz: PASSED" : `fuzz: FAILED (seed ${seed})`);
process.exit(faults.length === 0 ? 0 : 1);

/** The status, and the code where there is one. */
async function send(
  url: string,
  init: { method: string; headers: Record<string, string>; body: Uint8Array },
): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    return `no answer: ${(cause as Error).message}`;
  }
  const text = await response.text();
  try {
    const answer: { code?: string; accepted?: number } = JSON.parse(text);
    return `${response.status} ${answer.code ?? (answer.accepted === undefined ? "receipt" : "batch")}`;
  } catch {
    return `${response.status} without JSON`;
  }
}

function isDocumented(answer: string): boolean {
  const [status, what] = answer.split(" ") as [string, string];
  if (what === "receipt") return status === "202";
  if (what === "batch") return Number(status) < 500 || status === "503" || status === "504";
  const reason = Object.hasOwn(REASONS, what) ? REASONS[what as ReasonCode] : undefined;
  return reason !== undefined && String(reason.status) === status && (reason.status < 500 || TOLERATED.has(what));
}
