# A small image of the daemon. tests/run lints this file but does not build it: continuous integration has no engine.
# There is no HEALTHCHECK, because there is no `refreshd healthcheck` yet; orchestrators can ask GET /readyz.

FROM rust:1.95-slim-bookworm AS build
# SQLite and ring hold C; the slim image comes with the compiler for it.
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked --bin refreshd

FROM debian:bookworm-slim
# The provider's certificate is checked against these roots.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/refreshd
COPY --from=build /src/target/dist/refreshd /usr/bin/refreshd
USER 65532:65532
VOLUME /var/lib/refreshd
WORKDIR /var/lib/refreshd
# The database goes to the volume. To be reached from outside of the container, listen on all of its addresses; tokens
# are then asked for in any case.
ENV REFRESHD__STORE__URL=sqlite:///var/lib/refreshd/refreshd.db \
    REFRESHD__SERVER__LISTEN=0.0.0.0:8470
EXPOSE 8470
ENTRYPOINT ["/usr/bin/refreshd"]
CMD ["serve"]
