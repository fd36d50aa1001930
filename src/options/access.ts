/** Options of `bun run serve` that say who may reach it, and how; and the rules between them. */
import { BlockList, isIP } from "node:net";
import { onOff, textOr, UsageError, type Values } from "./core.ts";

/** `*`, or origins as a browser sends them: no path, no slash at the end. */
export function originsProblem(list: string): string | undefined {
  if (list === "*") return undefined;
  for (const origin of list.split(",").map((one) => one.trim())) {
    const url = URL.parse(origin);
    if (!url || !/^https?:$/.test(url.protocol) || url.origin !== origin) {
      return "must be * or origins with commas between, each like https://example.com, without a slash at its end";
    }
  }
  return undefined;
}

export const accessOptions = {
  apiKeys: textOr({
    flag: "api-keys",
    placeholder: "<path>",
    defaultText: "none: whoever reaches the address may send events",
    help: "a JSON file of the keys that may send events, with their quotas; read again when it changes",
  }),
  open: onOff({ flag: "open", help: "without API keys, listen on an address beyond this machine all the same" }),
  corsOrigins: textOr({
    flag: "cors-origins",
    placeholder: "<origin,…>",
    defaultText: "none",
    help: "web pages of these origins may send events and read the answers; * for all",
    check: originsProblem,
  }),
  tlsCert: textOr({
    flag: "tls-cert",
    placeholder: "<path>",
    defaultText: "none: plain HTTP",
    help: "the certificate, and what it is signed with, as PEM; read again on SIGHUP",
  }),
  tlsKey: textOr({
    flag: "tls-key",
    placeholder: "<path>",
    defaultText: "none",
    help: "the certificate's key, as PEM",
  }),
};

/** What can only be judged of several options together. Throws `UsageError`. */
export function checkAccess(options: Values<typeof accessOptions> & { readonly host: string }): void {
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    const [given, missing] = options.tlsCert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new UsageError(`--tls-${given} needs --tls-${missing}: TLS takes both or neither`);
  }
  if (options.apiKeys === undefined && !options.open && !isLoopback(options.host)) {
    throw new UsageError(
      `--host ${options.host} reaches beyond this machine, and without --api-keys everyone there may send events: give --api-keys, or --open if that is meant`,
    );
  }
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Only what is so for certain: another name may lead anywhere, today or tomorrow. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1");
  const version = isIP(address);
  return version === 0
    ? address.toLowerCase() === "localhost"
    : loopback.check(address, version === 6 ? "ipv6" : "ipv4");
}

/** `--cors-origins` as http takes it. */
export function readOrigins(list: string | undefined): readonly string[] | undefined {
  return list?.split(",").map((origin) => origin.trim());
}
