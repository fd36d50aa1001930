# Sluice in a container: one image for serve (the default) and consume. librdkafka is compiled once, in the build stage, and only the
# library goes into the final image; both stages stand on the same base, so that its shared libraries fit.
FROM oven/bun:1.4.5-slim AS base
WORKDIR /app
ENV SLUICE_CACHE=/opt/sluice

FROM base AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc g++ make libc6-dev libssl-dev zlib1g-dev libzstd-dev liblz4-dev libsasl2-dev \
 && rm -rf /var/lib/apt/lists/*
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production
# Only what the library's build reads: a change elsewhere does not compile it again.
COPY src/cache.ts src/cache.ts
COPY src/kafka/native src/kafka/native
COPY scripts/librdkafka.ts scripts/librdkafka.ts
RUN bun scripts/librdkafka.ts \
 # Its sources have done their work.
 && rm -rf node_modules/@confluentinc/kafka-javascript/deps

FROM base
# What librdkafka was linked with; libssl comes with ca-certificates, under the name it has in this Debian.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libsasl2-2 libsasl2-modules liblz4-1 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /var/lib/sluice && chown bun:bun /var/lib/sluice
COPY --from=build /opt/sluice /opt/sluice
COPY --from=build /app/node_modules node_modules
COPY package.json tsconfig.json ./
COPY src src
USER bun
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["bun", "src/serve.ts"]
