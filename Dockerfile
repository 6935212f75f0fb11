# The server as an image: docker build -t strongroom .   (or buildah bud, podman build)
# The first stage installs what package-lock.json names, the pinned Node.js among it; the second holds the result and no package tool.
FROM docker.io/library/node:24-bookworm-slim AS build
WORKDIR /opt/strongroom
COPY package.json package-lock.json ./
RUN npm install --omit=dev --no-save --no-audit --no-fund
COPY bin bin
COPY src src
COPY LICENSE README.md ./
RUN find src -name '*.test.ts' -delete

FROM docker.io/library/debian:bookworm-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libatomic1 libstdc++6 \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --system --gid 65532 strongroom \
  && useradd --system --uid 65532 --gid 65532 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin strongroom
COPY --from=build /opt/strongroom /opt/strongroom
ENV PATH=/opt/strongroom/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Compiled once here, so that a container with a read-only file system starts as fast as it can.
ENV NODE_COMPILE_CACHE=/opt/strongroom/compiled
RUN strongroom version \
  && (timeout --signal=INT 15 strongroom server -dev -dev-no-store-token -dev-listen-address=127.0.0.1:8200 >/dev/null || true) \
  && chmod -R a+rX /opt/strongroom
USER 65532:65532
EXPOSE 8200 9102
ENTRYPOINT ["/opt/strongroom/bin/strongroom"]
CMD ["server", "-config=/etc/strongroom/config"]
