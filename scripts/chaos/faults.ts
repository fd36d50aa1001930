/** The faults: each is one round, from the healthy state through the fault back to the healthy state, under load. */
import type { ConsumerLog } from "./consumer.ts";
import type { FaultContext } from "./stage.ts";

export type Fault = (context: FaultContext) => Promise<void>;

/** Events that must be kept after a fault before the next one: the pipeline works again. */
const EVENTS_BETWEEN = 150;
const RECOVERY_LIMIT_MS = 90_000;

const recovered = ({ stage }: FaultContext) => stage.load.whenKept(EVENTS_BETWEEN, RECOVERY_LIMIT_MS);

async function killBroker(context: FaultContext): Promise<void> {
  const { brokers, stage } = context;
  const { topic } = stage.options;
  const role = context.round % 2 === 0 ? "leader" : "follower";
  const id = await brokers.find(topic, role);
  await brokers.kill(id);
  await Bun.sleep(context.faultMs);
  await brokers.restart([id]);
  await brokers.whenInSync(topic);
  await recovered(context);
}

async function stopBroker(context: FaultContext): Promise<void> {
  const { brokers, stage } = context;
  const { topic } = stage.options;
  const id = await brokers.find(topic, "leader");
  await brokers.halt(id);
  try {
    await Bun.sleep(context.faultMs);
  } finally {
    brokers.resume(id);
  }
  await brokers.whenInSync(topic);
  await recovered(context);
}

async function killAllBrokers(context: FaultContext): Promise<void> {
  const { brokers } = context;
  await brokers.killAll();
  await Bun.sleep(context.faultMs);
  await brokers.restart();
  await brokers.whenInSync(context.stage.options.topic);
  await recovered(context);
}

async function killServe(context: FaultContext): Promise<void> {
  const { stage } = context;
  await stage.serve.kill();
  stage.startServe();
  await stage.whenReady();
  await recovered(context);
}

async function killConsume(context: FaultContext): Promise<void> {
  const { log } = context.stage;
  await log.command.kill();
  log.start();
  await log.whenAssigned();
  await whenWriting(log);
  // Not always at the same moment after the last commit.
  await Bun.sleep(Math.random() * 1500);
}

/** Of three consumers one is killed, the others take over, and it comes back. */
async function killOneConsumer(context: FaultContext): Promise<void> {
  const { stage } = context;
  while (stage.consumers.length < 3) {
    const another = stage.addConsumer();
    another.start();
    await another.whenAssigned();
  }
  const victim = stage.consumers[context.round % stage.consumers.length]!;
  await victim.command.kill();
  await Bun.sleep(context.faultMs);
  victim.start();
  await victim.whenAssigned();
  await recovered(context);
}

async function joinAndLeave(context: FaultContext): Promise<void> {
  const { stage } = context;
  while (stage.consumers.length < 3) stage.addConsumer();
  const joining = stage.consumers.slice(1);
  for (const consumer of joining) {
    consumer.start();
    await consumer.whenAssigned();
    await Bun.sleep(context.faultMs);
  }
  for (const consumer of joining) {
    const code = await consumer.command.stop();
    if (code !== 0) throw new Error(`${consumer.name} ended with ${code} on SIGTERM`);
    await Bun.sleep(context.faultMs);
  }
}

async function fillLogDisk(context: FaultContext): Promise<void> {
  const { stage } = context;
  const before = stage.log.command.log().length;
  stage.disk!.fill();
  await whenLogs(stage.log, before, /writing to the log file fail/);
  await Bun.sleep(context.faultMs);
  stage.disk!.free();
  await whenLogs(stage.log, before, /writing to the log file works again/);
  await recovered(context);
}

/** While Kafka is away, so that everything goes to the spool. */
async function fillSpoolDisk(context: FaultContext): Promise<void> {
  const { stage, brokers } = context;
  await brokers.killAll();
  await stage.load.whenKept(EVENTS_BETWEEN, RECOVERY_LIMIT_MS);
  stage.disk!.fill();
  await Bun.sleep(context.faultMs);
  stage.disk!.free();
  await stage.load.whenKept(EVENTS_BETWEEN, RECOVERY_LIMIT_MS);
  await brokers.restart();
  await brokers.whenInSync(stage.options.topic);
  await recovered(context);
}

async function changeLogFile(context: FaultContext): Promise<void> {
  const { log } = context.stage;
  const changes: readonly (() => void | Promise<void>)[] = [
    () => log.truncate(),
    () => log.delete(),
    () => log.move({ withSignal: true }),
    () => log.move({ withSignal: false }),
  ];
  await changes[context.round % changes.length]!();
  await whenWriting(log);
  await recovered(context);
}

async function raisePartitions(context: FaultContext): Promise<void> {
  await context.brokers.raisePartitions(context.stage.options.topic, 12);
  await context.stage.load.whenKept(context.stage.options.eventsPerS * 15, RECOVERY_LIMIT_MS);
}

/** Waits until its log grows, having been as it is now. */
async function whenWriting(log: ConsumerLog): Promise<void> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  for (const before = log.mark(); log.mark() === before; await Bun.sleep(20)) {
    if (performance.now() > deadline) throw new Error(`${log.name} wrote nothing for ${RECOVERY_LIMIT_MS} ms`);
  }
}

async function whenLogs(log: ConsumerLog, from: number, pattern: RegExp): Promise<void> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  while (!pattern.test(log.command.log().slice(from))) {
    if (!log.isRunning) throw new Error(`${log.name} ended`);
    if (performance.now() > deadline) throw new Error(`${log.name} did not log ${pattern} in ${RECOVERY_LIMIT_MS} ms`);
    await Bun.sleep(50);
  }
}

export const FAULTS = {
  killBroker,
  stopBroker,
  killAllBrokers,
  killServe,
  killConsume,
  killOneConsumer,
  joinAndLeave,
  fillLogDisk,
  fillSpoolDisk,
  changeLogFile,
  raisePartitions,
} satisfies Record<string, Fault>;
