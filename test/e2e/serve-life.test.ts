/** serve as a real process, on a real Kafka: how it starts and stops. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Admin } from "../../src/kafka/index.ts";
import { kafkaBrokers, newTopic } from "../support/cluster.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { quiet } from "../support/mock.ts";

let brokers: string;
beforeAll(async () => {
  brokers = await kafkaBrokers();
}, 120_000);

describe("starting and stopping", () => {
  afterEach(killLeftovers);

  test("a missing topic is created as asked", async () => {
    const topic = `test-${crypto.randomUUID()}`;
    const serve = new CommandProcess("serve", {
      args: [
        "--kafka-brokers",
        brokers,
        "--kafka-topic",
        topic,
        "--kafka-partitions",
        "3",
        "--kafka-replication",
        "1",
        "--port",
        "0",
      ],
    });
    await serve.logged(/created the topic/);
    const admin = new Admin({ brokers, log: quiet });
    expect((await admin.describeTopic(topic, 10_000))!.partitions.map((p) => [p.partition, p.replicas.length])).toEqual(
      [
        [0, 1],
        [1, 1],
        [2, 1],
      ],
    );
    await admin.close();
    serve.signal("SIGINT");
    expect(await serve.ended()).toBe(0);
  }, 60_000);

  test("an address in use ends it with exit 1 and says so", async () => {
    const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const serve = new CommandProcess("serve", { args: ["--kafka-brokers", brokers, "--port", String(taken.port)] });
    expect(await serve.ended()).toBe(1);
    expect(serve.stderr).toContain(String(taken.port));
    await taken.stop(true);
  }, 60_000);

  for (const [how, throughBunRun, toGroup] of [
    ["directly", false, false],
    ["directly, to its process group", false, true],
    ["through bun run", true, false],
    ["through bun run, to the process group, as Ctrl-C does", true, true],
  ] as const) {
    test(`a signal under load, ${how}: every request in hand is answered, exit 0`, async () => {
      const { topic } = await newTopic();
      const environment = { KAFKA_BROKERS: brokers, KAFKA_TOPIC: topic, PORT: "0" };
      const serve = new CommandProcess("serve", { environment, throughBunRun });
      const url = await urlOf(serve);
      await serve.logged(/found the topic/);
      let acked = 0;
      let isStopping = false;
      const broken: string[] = [];
      const sender = async () => {
        for (;;) {
          try {
            const response = await fetch(`${url}/register_event`, {
              method: "POST",
              body: "{}",
              headers: { "content-type": "application/json" },
            });
            const body = (await response.json()) as { code?: string };
            if (response.status === 202) acked++;
            else if (body.code === "shutting_down") return;
            else broken.push(`${response.status} ${body.code}`);
          } catch (cause) {
            // A new connection that came after the listener had gone; anything before the signal is a defect.
            if (!isStopping) broken.push(String(cause));
            return;
          }
        }
      };
      const senders = Array.from({ length: 20 }, sender);
      while (acked < 200) await Bun.sleep(5);
      isStopping = true;
      serve.signal("SIGINT", { toGroup });
      expect(await serve.ended()).toBe(0);
      await Promise.all(senders);
      expect(broken).toEqual([]);
      const counts = /"counts":\{"accepted":(\d+),"acked":(\d+),"spooled":0,"unknown":(\d+)/.exec(serve.stderr)!;
      expect(counts[2]).toBe(counts[1]!);
      expect(Number(counts[2])).toBe(acked);
    }, 60_000);
  }

  test("a second signal, more than 500 ms after the first, exits at once", async () => {
    const { topic } = await newTopic();
    const serve = new CommandProcess("serve", {
      args: ["--kafka-brokers", brokers, "--kafka-topic", topic, "--port", "0"],
    });
    const url = await urlOf(serve);
    await serve.logged(/found the topic/);
    // A request whose body never ends keeps the drain waiting.
    const { hostname, port } = new URL(url);
    const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } });
    socket.write(
      "POST /register_event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    );
    await fetch(`${url}/get_status`);
    serve.signal("SIGTERM");
    await serve.logged(/"msg":"stopping/);
    serve.signal("SIGTERM");
    const stoppedAt = performance.now();
    while (performance.now() - stoppedAt < 600) await Bun.sleep(50);
    serve.signal("SIGTERM");
    expect(await serve.ended(3000)).toBe(128 + 15);
    socket.end();
  }, 60_000);
});
