/** What a configuration needs of the librdkafka at hand: TLS, SASL mechanisms and codecs are built in or not. */
import { ConfigurationError, type LibraryInfo } from "./native/index.ts";

interface Need {
  readonly feature: string;
  readonly wanted: (properties: Readonly<Record<string, string>>) => boolean;
  readonly debian: string;
  readonly fedora: string;
  readonly macos: string;
}

const is = (name: string, pattern: RegExp) => (p: Readonly<Record<string, string>>) => pattern.test(p[name] ?? "");
const CODEC = (codec: RegExp) => (p: Readonly<Record<string, string>>) =>
  codec.test(p["compression.type"] ?? p["compression.codec"] ?? "");
const MECHANISM = (mechanism: RegExp) => (p: Readonly<Record<string, string>>) =>
  /^sasl_/i.test(p["security.protocol"] ?? "") &&
  mechanism.test(p["sasl.mechanism"] ?? p["sasl.mechanisms"] ?? "GSSAPI");

const NEEDS: readonly Need[] = [
  {
    feature: "ssl",
    wanted: is("security.protocol", /ssl$/i),
    debian: "libssl-dev",
    fedora: "openssl-devel",
    macos: "openssl@3",
  },
  {
    feature: "sasl_scram",
    wanted: MECHANISM(/^SCRAM/i),
    debian: "libssl-dev",
    fedora: "openssl-devel",
    macos: "openssl@3",
  },
  {
    feature: "sasl_oauthbearer",
    wanted: MECHANISM(/^OAUTHBEARER/i),
    debian: "libssl-dev",
    fedora: "openssl-devel",
    macos: "openssl@3",
  },
  {
    feature: "oidc",
    wanted: is("sasl.oauthbearer.method", /^oidc$/i),
    debian: "libcurl4-openssl-dev",
    fedora: "libcurl-devel",
    macos: "curl",
  },
  {
    feature: "sasl_gssapi",
    wanted: MECHANISM(/^GSSAPI/i),
    debian: "libsasl2-dev",
    fedora: "cyrus-sasl-devel",
    macos: "cyrus-sasl",
  },
  { feature: "zstd", wanted: CODEC(/^zstd$/i), debian: "libzstd-dev", fedora: "libzstd-devel", macos: "zstd" },
  { feature: "lz4", wanted: CODEC(/^lz4$/i), debian: "liblz4-dev", fedora: "lz4-devel", macos: "lz4" },
  { feature: "gzip", wanted: CODEC(/^gzip$/i), debian: "zlib1g-dev", fedora: "zlib-devel", macos: "zlib" },
];

/** Throws `ConfigurationError` where the configuration needs something that is not built into this library. */
export function requireFeatures(
  properties: Readonly<Record<string, string>>,
  info: Pick<LibraryInfo, "features" | "path">,
): void {
  for (const need of NEEDS) {
    if (!need.wanted(properties) || info.features.has(need.feature)) continue;
    throw new ConfigurationError(
      `this configuration needs ${need.feature}, which the librdkafka at ${info.path} was built without. Install ` +
        `${need.debian} (Debian, Ubuntu), ${need.fedora} (Fedora) or ${need.macos} (brew), then \`bun run setup --rebuild\``,
    );
  }
}
