/** The spool's thread: a request at a time, each answered once. */
import { parentPort, workerData } from "node:worker_threads";
import { pack, type SpoolReply, type SpoolRequest, unpack } from "./messages.ts";
import { Store } from "./store.ts";

function post(reply: SpoolReply, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(reply, transfer);
}

function serve(store: Store): void {
  parentPort!.on("message", (request: SpoolRequest) => {
    try {
      handle(store, request);
    } catch (cause) {
      post({ type: "failed", id: request.id, error: cause instanceof Error ? cause.message : String(cause) });
    }
  });
}

function handle(store: Store, request: SpoolRequest): void {
  const { id } = request;
  switch (request.type) {
    case "put":
      store.put(unpack(request));
      post({ type: "done", id });
      break;
    case "read": {
      const packed = pack(store.read(request.after, request.maxEvents, request.maxBytes));
      post({ type: "records", id, ...packed }, [packed.values.buffer]);
      break;
    }
    case "remove":
      store.remove(request.sequences, request.rejected);
      post({ type: "done", id });
      break;
    case "close":
      store.close(request.isSettled);
      post({ type: "done", id });
      parentPort!.close();
  }
}

try {
  const store = new Store((workerData as { readonly folder: string }).folder);
  serve(store);
  post({ type: "opened", found: store.found }, [store.found.keys.buffer]);
} catch (cause) {
  post({ type: "not_opened", error: cause instanceof Error ? cause.message : String(cause) });
}
