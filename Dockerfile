# The image of every process: web, worker, beat and migrate differ in their command only.
# The tags name exact releases; pin them by digest in a registry of your own.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/s3.txt /tmp/s3.txt
# All of base.txt, and what kept files on S3 need.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/s3.txt

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    UV_THREADPOOL_SIZE=2 \
    PLAYGROUND_MODE=production \
    PLAYGROUND_DATA=/data \
    STATIC_ROOT=/app/staticfiles
RUN groupadd --gid 10001 playground \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
               --shell /usr/sbin/nologin playground \
    && install -d -o playground -g playground /data /data/media
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py ./
COPY playground playground
COPY accounts accounts
COPY templates templates
COPY static static
# The secrets made for this one command go with its folder. The process that serves is not the owner of
# these files, and Django collects them as 0600.
RUN PLAYGROUND_MODE=embedded PLAYGROUND_DATA=/tmp/build python manage.py collectstatic --noinput \
    && rm -rf /tmp/build \
    && chmod -R a+rX,go-w .
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
# As in playground/processes.py, but for the address: nginx is another machine here.
CMD ["python", "-m", "uvicorn", "playground.asgi:application", \
     "--host", "0.0.0.0", "--port", "8000", "--loop", "uvloop", "--http", "httptools", \
     "--ws", "none", "--lifespan", "on", "--no-access-log", "--log-level", "warning", \
     "--no-server-header", "--no-proxy-headers", "--timeout-graceful-shutdown", "21"]
