/** The query parameters of a request. Strict: a misspelt `key` would otherwise cost order, silently. */

export type Parameters = { readonly key: string | null } | { readonly parameter: string; readonly detail: string };

const NONE: Parameters = { key: null };

/** `?key=` sets the record key. Anything else in the query is refused by name. */
export function readParameters(url: string): Parameters {
  const start = url.indexOf("?");
  if (start === -1 || start === url.length - 1) return NONE;
  let key: string | null = null;
  for (const pair of url.slice(start + 1).split("&")) {
    if (pair === "") continue;
    const [name, value] = split(pair);
    if (name !== "key") return { parameter: name ?? pair, detail: "this path takes the query parameter key only" };
    if (value === undefined) return { parameter: "key", detail: "is not percent-encoded UTF-8" };
    if (value === "") return { parameter: "key", detail: "must not be empty" };
    if (key !== null) return { parameter: "key", detail: "must be given once" };
    key = value;
  }
  return { key };
}

function split(pair: string): [name: string | undefined, value: string | undefined] {
  const equals = pair.indexOf("=");
  const [name, value] = equals === -1 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
  return [decode(name), decode(value)];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
