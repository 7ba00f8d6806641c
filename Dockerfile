# An image with `srcnn upscale` only, without torch and the pipeline:
#
#     docker build --tag srcnn .
#     docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" srcnn upscale photo.jpg
#
# Not built yet. hadolint accepts this file, and its RUN commands were tested with Python 3.13
# outside a container.
FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY srcnn srcnn
# pip accepts checksums only if every package has one, and this wheel has none.
RUN sed '/--hash/d; s/ \\$//' requirements.lock > constraints.txt \
    && pip wheel --no-cache-dir --no-deps --wheel-dir wheels . \
    && python -m venv --without-pip /opt/srcnn \
    && pip --python /opt/srcnn install --no-cache-dir --constraint constraints.txt wheels/*.whl

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="SRCNN-Perceptual" \
      org.opencontainers.image.description="Upscales photographs with SRCNN" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/srcnn /opt/srcnn
ENV PATH="/opt/srcnn/bin:$PATH"
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["srcnn"]
CMD ["--help"]
