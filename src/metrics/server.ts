/** A listener for nothing but /metrics and /livez, for a command that has no other. */
import type { Registry } from "./registry.ts";

export class MetricsServer {
  readonly #server: Bun.Server<undefined>;
  readonly url: string;

  /** Throws where the address cannot be had. */
  constructor(registry: Registry, { host, port }: { readonly host: string; readonly port: number }) {
    this.#server = Bun.serve({
      hostname: host,
      port,
      reusePort: false,
      routes: {
        "/metrics": { GET: () => registry.response() },
        "/livez": { GET: () => new Response("ok\n") },
      },
      fetch: () => new Response("there are /metrics and /livez\n", { status: 404 }),
    });
    this.url = `http://${host.includes(":") ? `[${host}]` : host}:${this.#server.port}`;
  }

  stop(): void {
    void this.#server.stop(true);
  }
}
