# Two images: "vigil" (core, watchdog, simulated ward) and "broker" (the mosquitto that the tests run). docs/operations.md.

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /build
COPY requirements/ requirements/
# Wheels only, each checked against its hash: no compiler is needed, here or later.
RUN python -m venv /opt/vigil \
    && /opt/vigil/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
        -r requirements/base.txt -r requirements/influx.txt -r requirements/postgres.txt -r requirements/notify.txt \
    && python -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY analytics/ analytics/
COPY api/ api/
COPY cli/ cli/
COPY gateway/ gateway/
COPY ingest/ ingest/
COPY simulators/ simulators/
COPY vigil/ vigil/
RUN /opt/tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/vigil/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl \
    && /opt/vigil/bin/pip uninstall --yes pip

FROM python:3.11.13-slim-bookworm AS vigil
COPY --from=build /opt/vigil /opt/vigil
# The volumes that are mounted there take over owner and mode.
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/vigil /var/lib/vigil/broker /var/lib/vigil/tls
ENV PATH=/opt/vigil/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    VIGIL_DATA_DIR=/var/lib/vigil
USER 10001:10001
WORKDIR /var/lib/vigil
ENTRYPOINT ["vigil"]

FROM debian:12.11-slim AS broker
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mosquitto mosquitto-clients \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0700 -o 10001 -g 10001 /var/lib/vigil/broker
COPY deploy/mosquitto/run.sh deploy/mosquitto/healthy.sh /opt/vigil/
# The user of the core: both write in the folder of accounts, each files that the other reads.
USER 10001:10001
ENTRYPOINT ["/bin/sh", "/opt/vigil/run.sh", "/var/lib/vigil/broker"]
