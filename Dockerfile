# The bot as a container image: `make image`. docs/deployment.md says how to run it.
# Any image with Python 3.11 or newer, venv and pip works as the base of both stages.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
# Wheels only, each with a known hash: nothing is compiled, and no setup script runs.
COPY requirements/build.txt requirements/run.txt requirements/
RUN python3 -m venv /build \
    && /build/bin/python -m pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.txt \
    && python3 -m venv --without-pip /opt/dcv-resend \
    && /build/bin/python -m pip --python /opt/dcv-resend/bin/python install \
        --no-cache-dir --only-binary :all: --require-hashes -r requirements/run.txt
# After the dependencies, so that a change of the code does not install them again.
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY handlers handlers
RUN /build/bin/python -m pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/python -m pip --python /opt/dcv-resend/bin/python install --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM ${PYTHON_IMAGE}
# The bot's user can write to /data and nowhere else.
RUN echo "dcv-resend:x:10001:10001::/data:/usr/sbin/nologin" >> /etc/passwd \
    && echo "dcv-resend:x:10001:" >> /etc/group \
    && mkdir --mode 0700 /data \
    && chown 10001:10001 /data
COPY --from=build /opt/dcv-resend /opt/dcv-resend
ENV PATH=/opt/dcv-resend/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/dcv-resend.db \
    LOG_FORMAT=json \
    HOST=0.0.0.0 \
    PORT=3000
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
# /healthz is 200 while the process lives. An orchestrator that routes requests asks /readyz.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["dcv-resend"]
CMD ["run"]
