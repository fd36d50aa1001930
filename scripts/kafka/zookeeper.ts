/** Asks ZooKeeper whether it serves: its four-letter command `srvr`, which the ZooKeeper that Kafka 2.8 brings allows by default. */

/** True once it says in which mode it runs; rejects while it does not answer. */
export async function zookeeperAnswers(port: number, timeoutMs = 2_000): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  let said = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, chunk) {
        said += chunk.toString("latin1");
      },
      close: () => resolve(said.includes("Mode: ")),
      error: (_socket, error) => reject(error),
    },
  });
  const timer = setTimeout(() => reject(new Error(`port ${port} did not answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    socket.write("srvr");
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
}
