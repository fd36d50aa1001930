/** Keeps secrets out of what librdkafka says: its sentences and log lines may quote the values they are about. */

const SENSITIVE_NAME = /password|secret|passphrase|\.pem$|^sasl\.oauthbearer\.config$|jaas/;
const INLINE_PEM = "-----BEGIN ";
/** A shorter one would be given away by the holes it leaves in other words. */
const HIDDEN_MIN_LENGTH = 4;

export function isSecret(name: string, value: string): boolean {
  return SENSITIVE_NAME.test(name) || value.includes(INLINE_PEM);
}

/** Takes the secrets among the properties out of a text. */
export function secretHider(properties: Readonly<Record<string, string>>): (text: string) => string {
  const secrets = Object.entries(properties)
    .filter(([name, value]) => isSecret(name, value))
    .map(([, value]) => value.trim())
    .filter((value) => value.length >= HIDDEN_MIN_LENGTH)
    // The longer first: one may be a part of another.
    .sort((a, b) => b.length - a.length);
  if (secrets.length === 0) return (text) => text;
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, "[hidden]"), text);
}
