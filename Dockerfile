# One image for web and worker: `connector run` (both), `connector web`, `connector worker`.
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY connector connector
RUN python -m venv /opt/connector && /opt/connector/bin/pip install --no-cache-dir .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/connector --create-home connector
COPY --from=build /opt/connector /opt/connector
COPY mappings /etc/connector/mappings
COPY sla_profiles /etc/connector/sla_profiles
ENV PATH=/opt/connector/bin:$PATH PYTHONUNBUFFERED=1 CONNECTOR_SETTINGS=/etc/connector/connector.yaml
WORKDIR /var/lib/connector
USER connector
VOLUME /var/lib/connector
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["connector", "health"]
CMD ["connector", "run", "--host", "0.0.0.0"]
