/** A process's line to its parent. Where the parent is gone, the process ends in order, as if it had been asked to. */
import type { StopSignal } from "../command.ts";
import type { Log } from "../log.ts";
import type { AllFigures, Figures, Place, ToParent, ToProcess } from "./messages.ts";

export interface LinkOptions {
  readonly place: Place;
  readonly figures: () => Promise<Figures>;
  readonly stop: Pick<StopSignal, "requested">;
  readonly log: Log;
}

const ANSWER_TIMEOUT_MS = 3000;

export class Link {
  readonly #options: LinkOptions;
  readonly #asked = new Map<number, (all: AllFigures) => void>();
  #lastId = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    process.on("message", (message) => void this.#onMessage(message as ToProcess));
    process.on("disconnect", () => this.#onParentGone());
    // Gone before anybody listened.
    if (!process.connected) this.#onParentGone();
  }

  /** Call it once requests are taken, and signals heard. */
  announce({ url, port }: { readonly url: string; readonly port: number }): void {
    this.#send({ type: "listening", url, port });
  }

  /** Of all processes, this one among them. Rejects where the parent does not answer. */
  async allFigures(): Promise<AllFigures> {
    const { promise, resolve, reject } = Promise.withResolvers<AllFigures>();
    const id = ++this.#lastId;
    const timer = setTimeout(() => reject(new Error("the parent process does not answer")), ANSWER_TIMEOUT_MS);
    this.#asked.set(id, resolve);
    this.#send({ type: "ask_all_figures", id });
    return promise.finally(() => {
      clearTimeout(timer);
      this.#asked.delete(id);
    });
  }

  async #onMessage(message: ToProcess): Promise<void> {
    if (message.type === "all_figures") this.#asked.get(message.id)?.(message);
    else await this.#answer(message.id);
  }

  /** Whoever asks goes on without an answer that does not come. */
  async #answer(id: number): Promise<void> {
    try {
      this.#send({ type: "figures", id, figures: await this.#options.figures() });
    } catch (cause) {
      this.#options.log.error({ err: cause }, "the figures for /metrics could not be read");
    }
  }

  #send(message: ToParent): void {
    if (process.connected) process.send?.(message);
  }

  #onParentGone(): void {
    const { stop, log } = this.#options;
    if (stop.requested) return;
    log.error("the parent process is gone: stopping");
    process.kill(process.pid, "SIGTERM");
  }
}
