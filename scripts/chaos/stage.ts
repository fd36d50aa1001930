/** Where a scenario plays: a topic, serve, consumers with their logs, the load, and what faults are done to. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../kafka/cluster.ts";
import type { Brokers } from "./brokers.ts";
import { Command } from "./command.ts";
import { ConsumerLog } from "./consumer.ts";
import { SmallDisk } from "./disk.ts";
import { Load } from "./senders.ts";

export interface StageOptions {
  readonly folder: string;
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
  readonly eventsPerS: number;
  readonly serve: readonly string[];
  readonly consume: readonly string[];
  readonly hasSpool: boolean;
  /** What lies on the small disk. */
  readonly smallDiskFor: "log" | "spool" | undefined;
  readonly say: (line: string) => void;
}

const READY_LIMIT_MS = 60_000;
const POLL_MS = 50;

export class Stage {
  readonly options: StageOptions;
  readonly consumers: ConsumerLog[] = [];
  readonly load: Load;
  readonly disk: SmallDisk | undefined;
  readonly #port: number;
  #serve: Command | undefined;

  private constructor(options: StageOptions, port: number) {
    this.options = options;
    this.#port = port;
    this.load = new Load({ url: this.url, eventsPerS: options.eventsPerS });
    mkdirSync(options.folder, { recursive: true });
    if (options.smallDiskFor !== undefined) this.disk = new SmallDisk(join(options.folder, "small-disk"));
  }

  /** With serve ready and a first consumer that has its partitions. */
  static async set(options: StageOptions): Promise<Stage> {
    const [port = 0] = await freePorts(1);
    const stage = new Stage(options, port);
    try {
      stage.startServe();
      await stage.whenReady();
      const first = stage.addConsumer();
      first.start();
      await first.whenAssigned();
    } catch (cause) {
      await stage.clear();
      throw cause;
    }
    return stage;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get serve(): Command {
    return this.#serve!;
  }

  get log(): ConsumerLog {
    return this.consumers[0]!;
  }

  startServe(): void {
    const { folder, bootstrap, topic, partitions, serve, hasSpool, smallDiskFor } = this.options;
    const where = ["--kafka-brokers", bootstrap, "--kafka-topic", topic, "--kafka-partitions", String(partitions)];
    const spool = smallDiskFor === "spool" ? join(this.disk!.path, "spool") : join(folder, "spool");
    this.#serve = new Command(
      "serve",
      [...where, "--port", String(this.#port), ...(hasSpool ? ["--spool", spool] : []), ...serve],
      join(folder, "serve.out"),
    );
  }

  /** Resolves when serve says that it takes events. */
  async whenReady(): Promise<void> {
    const deadline = performance.now() + READY_LIMIT_MS;
    for (;;) {
      const isReady = await fetch(`${this.url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      );
      // With a spool it is ready without Kafka, and the topic may not be there yet.
      if (isReady && (await this.status()).kafka.topic_ready) return;
      if (!this.serve.isRunning) throw new Error("serve ended at its start");
      if (performance.now() > deadline) throw new Error(`serve was not ready within ${READY_LIMIT_MS} ms`);
      await Bun.sleep(POLL_MS);
    }
  }

  async status(): Promise<{ kafka: { topic_ready: boolean; reachable: boolean }; spool?: { events: number } }> {
    return (await (await fetch(`${this.url}/get_status`)).json()) as Awaited<ReturnType<Stage["status"]>>;
  }

  async whenSpoolIsEmpty(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const { events = 0 } = (await this.status()).spool ?? {};
      if (events === 0) return;
      if (performance.now() > deadline)
        throw new Error(`${events} events were still in the spool after ${timeoutMs} ms`);
      await Bun.sleep(POLL_MS);
    }
  }

  /** Not started yet. */
  addConsumer(): ConsumerLog {
    const { folder, bootstrap, topic, consume, smallDiskFor } = this.options;
    const name = `consumer-${this.consumers.length + 1}`;
    const consumer = new ConsumerLog(name, {
      folder: join(smallDiskFor === "log" ? this.disk!.path : folder, name),
      output: join(folder, `${name}.out`),
      args: ["--kafka-brokers", bootstrap, "--kafka-topic", topic, "--kafka-group", topic, ...consume],
    });
    this.consumers.push(consumer);
    return consumer;
  }

  say(line: string): void {
    this.options.say(line);
  }

  /** Ends what still runs. What was written stays. */
  async clear(): Promise<void> {
    this.load.abandon();
    const running = [this.#serve, ...this.consumers.filter((one) => one.isRunning).map(({ command }) => command)];
    await Promise.all(running.map((command) => command?.kill()));
    if (existsSync(this.options.folder))
      writeFileSync(join(this.options.folder, "answers.txt"), `${this.load.answersText()}\n`);
  }
}

/** What a fault may be done to. */
export interface FaultContext {
  readonly stage: Stage;
  readonly brokers: Brokers;
  readonly round: number;
  /** How long a fault lasts that lasts. */
  readonly faultMs: number;
}
