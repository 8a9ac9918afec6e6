# Deskbridge on Debian slim: built in one stage, run in another without compilers, as a user who owns nothing but /data.
# docs/deploy.md says how to run it read-only. Passing an image on means GPL-3 for the whole: README, Licence.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/deskbridge \
 && /opt/deskbridge/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/deskbridge/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index . \
 && /opt/deskbridge/bin/deskbridge --version

FROM python:3.12-slim-bookworm
RUN groupadd --system --gid 10001 deskbridge \
 && useradd --system --uid 10001 --gid deskbridge --home-dir /data --shell /usr/sbin/nologin deskbridge \
 && install --directory --owner deskbridge --group deskbridge --mode 0700 /data
COPY --from=build /opt/deskbridge /opt/deskbridge
ENV PATH=/opt/deskbridge/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DESKBRIDGE_LISTEN=0.0.0.0:8080
USER deskbridge
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["deskbridge"]
CMD ["serve"]
