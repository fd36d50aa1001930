/** SIGTERM under load, seen from clients that keep their connections and leave them when an answer asks for it. */
import { afterEach, expect, test } from "bun:test";
import { MockCluster } from "../../src/kafka/index.ts";
import { CommandProcess, killLeftovers, urlOf } from "../support/command.ts";
import { keptConnection, MANY, ONE } from "../support/kept-connection.ts";

afterEach(killLeftovers);

test("no request is cut off: what is taken is acked, the rest is refused in words", async () => {
  const mock = new MockCluster(1);
  mock.createTopic("events", 4);
  const serve = new CommandProcess("serve", { args: ["--kafka-brokers", mock.bootstrap, "--port", "0"] });
  const url = new URL(await urlOf(serve));
  await serve.logged(/found the topic/);
  let answers = 0;
  const connections = Array.from({ length: 60 }, (_, i) => keptConnection(url, i < 40 ? ONE : MANY, () => answers++));
  while (answers < 500) await Bun.sleep(5);
  serve.signal("SIGTERM");
  const last = await Promise.all(connections);
  expect(await serve.ended()).toBe(0);
  expect(last.filter((status) => status !== "202" && status !== "503")).toEqual([]);
  expect(serve.stderr).toMatch(/"given_up_events":0.*"msg":"stopped"/);
  await mock.close();
}, 60_000);
