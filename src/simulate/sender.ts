/**
 * Posts events over Bun's `fetch` with kept connections. Every `post` ends in an outcome, never in an exception, and never later
 * than the request timeout (plus a sweep). Nothing is sent twice: Bun does not repeat a POST on its own (pinned by a test).
 */
import { readAnswer, readFailure } from "./answer.ts";
import type { SimulatedEvent } from "./events.ts";
import { type Outcome, unknown } from "./outcome.ts";

export interface Sender {
  post(event: SimulatedEvent): Promise<Outcome>;
  /** Breaks off what is under way; its outcome is unknown, with this reason. */
  abortAll(reason: string): void;
  close(): void;
}

/** Holds what one request at a time needs, and is used again for the next. */
interface Slot {
  readonly init: {
    method: "POST";
    headers: Record<string, string>;
    redirect: "manual";
    body: string;
    signal: AbortSignal;
  };
  controller: AbortController;
  /** When the request under way started; undefined while there is none. */
  startedMs: number | undefined;
  abortReason: string | undefined;
}

const LONGEST_SWEEP_MS = 1_000;

export function createSender(target: URL, timeoutMs: number, apiKey?: string): Sender {
  const address = target.href;
  const slots: Slot[] = [];
  const idle: Slot[] = [];

  function abort(slot: Slot, reason: string): void {
    slot.abortReason = reason;
    slot.controller.abort();
  }

  function sweep(): void {
    const before = performance.now() - timeoutMs;
    for (const slot of slots) if (slot.startedMs !== undefined && slot.startedMs < before) abort(slot, "timeout");
  }

  // One timer for all requests: an AbortSignal.timeout each would be garbage at tens of thousands a second.
  const sweeper = setInterval(sweep, Math.min(LONGEST_SWEEP_MS, Math.ceil(timeoutMs / 4)));

  function addSlot(): Slot {
    const slot = newSlot(apiKey);
    slots.push(slot);
    return slot;
  }

  async function post(event: SimulatedEvent): Promise<Outcome> {
    const slot = idle.pop() ?? addSlot();
    slot.startedMs = performance.now();
    slot.init.body = event.body;
    try {
      return await exchange(address, slot, event.id);
    } finally {
      slot.startedMs = undefined;
      if (slot.abortReason !== undefined) renew(slot);
      idle.push(slot);
    }
  }

  return {
    post,
    abortAll(reason) {
      for (const slot of slots) if (slot.startedMs !== undefined) abort(slot, reason);
    },
    close: () => clearInterval(sweeper),
  };
}

async function exchange(address: string, slot: Slot, id: string): Promise<Outcome> {
  let status: number | undefined;
  try {
    const response = await fetch(address, slot.init);
    status = response.status;
    return readAnswer(status, await response.text(), id);
  } catch (cause) {
    const isSuccess = status !== undefined && status >= 200 && status < 300;
    // A refusal's status is its word, even where its body broke off.
    if (status !== undefined && !isSuccess) return readAnswer(status, undefined, id);
    return slot.abortReason === undefined ? readFailure(cause) : unknown(slot.abortReason);
  }
}

function newSlot(apiKey: string | undefined): Slot {
  const controller = new AbortController();
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;
  // Redirects are not followed: 307 would send the event a second time, to a place nobody named.
  const init = { method: "POST" as const, headers, redirect: "manual" as const, body: "", signal: controller.signal };
  return { init, controller, startedMs: undefined, abortReason: undefined };
}

/** An aborted signal stays aborted: the slot's next request needs another. */
function renew(slot: Slot): void {
  slot.controller = new AbortController();
  slot.init.signal = slot.controller.signal;
  slot.abortReason = undefined;
}
