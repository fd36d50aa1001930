/** What became of one event that was sent, as far as the client can know it. */
export interface Outcome {
  /**
   * `acked`: the receipt came, with this event's id. `refused`: it is certain that the event was not taken. `unknown`: it may or
   * may not have landed (504, a connection that broke, no answer in time, a receipt that is not this event's, or that does not say acked).
   */
  readonly kind: "acked" | "refused" | "unknown";
  /** Why it was not acked: the problem's `code`, else `http_<status>`, else what happened to the connection. */
  readonly reason: string;
  /** False where not even a connection came about. */
  readonly isConnected: boolean;
}

export const acked: Outcome = { kind: "acked", reason: "", isConnected: true };

export function refused(reason: string): Outcome {
  return { kind: "refused", reason, isConnected: true };
}

export function unknown(reason: string): Outcome {
  return { kind: "unknown", reason, isConnected: true };
}

/** No connection, hence nothing sent: a certain refusal. */
export function unreachable(reason: string): Outcome {
  return { kind: "refused", reason, isConnected: false };
}
