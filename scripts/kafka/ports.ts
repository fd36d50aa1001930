/** Ports on the loopback address: which are free, and which are taken. */

/**
 * Below the range from which Linux (32768) and macOS (49152) pick the local ports of outgoing connections: a broker that is
 * stopped and started again must find its port free, however many connections the tests opened meanwhile.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Ports this process was given and may not have opened yet. */
const handedOut = new Set<number>();

/** `count` different ports that nothing listens on; this process never gets the same one twice. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let attempts = 0; ports.length < count; attempts++) {
    if (attempts > 10_000) throw new Error(`found no free port between ${LOWEST} and ${HIGHEST}`);
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (handedOut.has(port) || (await isPortTaken(port))) continue;
    handedOut.add(port);
    ports.push(port);
  }
  return ports;
}

/** Whether something listens on the port, on 127.0.0.1 or on every address. */
export async function isPortTaken(port: number): Promise<boolean> {
  // Both ways: where a socket listens on every address, some systems let a second one listen on 127.0.0.1.
  return (await answers(port)) || !canListen(port);
}

async function answers(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch {
    return false;
  }
}

function canListen(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
