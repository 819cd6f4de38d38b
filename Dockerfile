# One image for web and worker: `connector run` (both), `connector web`, `connector worker`.
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY connector connector
RUN python -m venv /opt/connector && /opt/connector/bin/pip install --no-cache-dir .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /srv/connector --create-home connector \
    && install -d -o connector -g connector /srv/connector/var
COPY --from=build /opt/connector /opt/connector
COPY mappings /srv/connector/mappings
COPY sla_profiles /srv/connector/sla_profiles
ENV PATH=/opt/connector/bin:$PATH PYTHONUNBUFFERED=1 CONNECTOR_SETTINGS=/srv/connector/connector.yaml
WORKDIR /srv/connector
USER connector
# The SQLite store and files on their way to a tool. Web and worker must share it.
VOLUME /srv/connector/var
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["connector", "health"]
CMD ["connector", "run", "--host", "0.0.0.0"]
