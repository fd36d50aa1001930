/**
 * Asks a broker who is in its cluster: one Metadata request (version 4, no topics) over TCP. This is the health check, so it
 * knows nothing of the project's own Kafka client; it works with every Kafka from 0.11 on.
 * Layout: "The Messages: Metadata" in Kafka's protocol guide, https://kafka.apache.org/protocol
 */
import type { Socket } from "bun";

const METADATA_KEY = 3;
const METADATA_VERSION = 4;
const CORRELATION_ID = 1;

export interface ClusterView {
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
}

/** What the broker at this port knows of its cluster; rejects if it does not answer in time. */
export async function describeCluster(port: number, timeoutMs = 3_000): Promise<ClusterView> {
  const { promise, resolve, reject } = Promise.withResolvers<ClusterView>();
  let received = Buffer.alloc(0);
  const connection = Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket: Socket) => void socket.write(metadataRequest()),
      data(_socket, chunk) {
        received = Buffer.concat([received, chunk]);
        if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
        try {
          resolve(readMetadataResponse(received));
        } catch (cause) {
          reject(cause);
        }
      },
      close: () => reject(new Error(`port ${port} closed the connection without an answer`)),
      error: (_socket, error) => reject(error),
    },
  });
  const timer = setTimeout(() => reject(new Error(`port ${port} did not answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    // A connection that fails to open rejects here; one that opens answers, closes or times out.
    return (await Promise.all([promise, connection]))[0];
  } finally {
    clearTimeout(timer);
    connection.then((socket) => socket.terminate()).catch(() => {});
  }
}

/** Header (key, version, correlation id, null client id), then: no topics, and do not create any. */
function metadataRequest(): Buffer {
  const request = Buffer.alloc(19);
  request.writeInt32BE(15, 0);
  request.writeInt16BE(METADATA_KEY, 4);
  request.writeInt16BE(METADATA_VERSION, 6);
  request.writeInt32BE(CORRELATION_ID, 8);
  request.writeInt16BE(-1, 12);
  request.writeInt32BE(0, 14);
  request.writeInt8(0, 18);
  return request;
}

function readMetadataResponse(bytes: Buffer): ClusterView {
  let at = 4;
  const int32 = () => {
    at += 4;
    return bytes.readInt32BE(at - 4);
  };
  const nullableString = () => {
    const length = bytes.readInt16BE(at);
    at += 2 + Math.max(length, 0);
    return length < 0 ? undefined : bytes.toString("utf8", at - length, at);
  };
  if (int32() !== CORRELATION_ID) throw new Error("the answer is not Kafka's");
  int32(); // throttle time
  const brokers = Array.from({ length: checkedCount(int32()) }, () => {
    const broker = { id: int32(), host: nullableString() ?? "", port: int32() };
    nullableString(); // rack
    return broker;
  });
  return { clusterId: nullableString() ?? "", controllerId: int32(), brokers };
}

function checkedCount(count: number): number {
  // Something else that happens to answer must not make us allocate by its bytes.
  if (count < 0 || count > 10_000) throw new Error("the answer is not Kafka's");
  return count;
}
