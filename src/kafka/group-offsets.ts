/** How far a consumer group has committed, asked from outside the group. Nothing here blocks, and nothing joins the group. */
import { Admin, type AdminOptions } from "./admin.ts";

export class GroupOffsets {
  readonly #options: AdminOptions & { readonly group: string };
  #admin: Admin | undefined;
  #isClosed = false;

  constructor(options: Pick<AdminOptions, "brokers" | "log" | "properties"> & { readonly group: string }) {
    this.#options = options;
  }

  /** The committed offsets by partition; partitions without one are left out. Rejects with `KafkaError`. */
  async read(topic: string, partitions: readonly number[], timeoutMs: number): Promise<Map<number, number>> {
    if (this.#isClosed) throw new Error("closed");
    this.#admin ??= new Admin(this.#options);
    const admin = this.#admin;
    try {
      return await admin.groupOffsets(topic, partitions, timeoutMs);
    } catch (cause) {
      // librdkafka remembers the group's coordinator for as long as it is asked for, also when it says that it is not (any more):
      // only another client looks for the new one.
      if (this.#admin === admin) this.#admin = undefined;
      void admin.close();
      throw cause;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#admin?.close();
  }
}
