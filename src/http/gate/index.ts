/** The gate before the paths that take events: who is it, may they, and not too much. Without API keys there is none. */
import { type Refused, refused } from "../../outcome.ts";
import type { Answer, Asker, Handler, HeaderLookup, Incoming } from "../message.ts";
import { problemAnswer } from "../problem.ts";
import { Grant } from "./grant.ts";
import type { KeyRing } from "./key-ring.ts";

export { Grant } from "./grant.ts";
export { KeyRing } from "./key-ring.ts";
export { type WatchedKeys, watchKeys } from "./watched-keys.ts";

/** Takes a request; where there is a gate, with the leave it got. */
export type GatedHandler = (request: Incoming, asker: Asker, grant?: Grant) => void;

export interface GateOptions {
  readonly keys: KeyRing;
  /** Told of every refusal the gate gives. */
  readonly count: (refusal: Refused) => void;
}

export interface Guarded {
  /** Where every event of this path goes; undefined where none is taken. */
  readonly topic: string | undefined;
  /** A larger body is refused by the handler unread, so it is not taken from the quota: a mistyped length would use it up for years. */
  readonly maxBodyBytes: number;
}

const BEARER = /^bearer +(\S+) *$/i;

export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** The handler behind the gate. */
  guard(handler: GatedHandler, { topic, maxBodyBytes }: Guarded): Handler {
    return (request, asker) => {
      const grant = this.#enter(request.headers);
      if (!(grant instanceof Grant)) {
        asker.answer(grant);
        return;
      }
      const announced = Number(request.headers.get("content-length") ?? 0);
      const refusal =
        grant.takeRequest() ??
        (topic === undefined ? undefined : grant.refuseTopic(topic)) ??
        (announced <= maxBodyBytes ? grant.takeBytes(announced) : undefined);
      if (refusal) asker.answer(grant.withQuota(refusal));
      else handler(request, grant.around(asker), grant);
    };
  }

  #enter(headers: HeaderLookup): Grant | Answer {
    const presented = presentedKey(headers);
    const key = presented === undefined ? undefined : this.#options.keys.find(presented);
    if (key) return new Grant(key, this.#options.count);
    const detail =
      presented === undefined
        ? "an API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY"
        : "the API key is not known here";
    this.#options.count(refused("unauthorized", detail));
    return problemAnswer({ code: "unauthorized", detail }, { "www-authenticate": "Bearer" });
  }
}

/** A bearer token goes before X-API-Key; another kind of Authorization is some proxy's affair. */
function presentedKey(headers: HeaderLookup): string | undefined {
  const authorization = headers.get("authorization");
  const bearer = authorization === null ? undefined : BEARER.exec(authorization)?.[1];
  return bearer ?? (headers.get("x-api-key") || undefined);
}
