"""The pictures of the report's page: inside it while they fit, else as files beside it."""

import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from srcnn.analysis.results import Results
from srcnn.errors import InputError
from srcnn.images.image_io import read_rgb
from srcnn.utils.threads import map_threads

QUALITY = 95
"""Of WebP, for viewing: 42 dB from the exact pixels at a fifth of the bytes of PNG."""

WEBP_SIDE = 16383
"""Pixels that a side of a WebP picture may have."""

THUMBNAIL = 192, 128
"""The box that a thumbnail fits in: twice what it is shown at, for fine screens."""

Sources = dict[str, str]
"""What an <img> is to show, a data URI or a relative path, by `hr/{image}` or
`x{scale}/{method}/{image}`."""


def embedded(scales: Sequence[Results], limit: int) -> Sources | None:
    """Every picture as WebP in a data URI; None if one is too large, or all exceed `limit`.

    Args:
        scales: the results of each scale.
        limit: characters.

    Raises:
        InputError: a picture is missing, or is not of the size of the ground truth.
    """
    sources: Sources = {}
    for results in scales:
        for image in results.names:
            for method, picture in results.pictures(image, *results.methods).items():
                if max(picture.shape) > WEBP_SIDE:
                    return None
                key = _key(results, image, method)
                if key not in sources:
                    sources[key] = _data_uri(Image.fromarray(picture), QUALITY)
                    limit -= len(sources[key])
            if limit < 0:
                return None
    return sources


def linked(scales: Sequence[Results], folder: Path) -> Sources:
    """Every picture by its path from `folder`, where the page is to be.

    Raises:
        InputError: a picture is missing.
    """
    sources: Sources = {}
    for results in scales:
        for key, file in _files(results):
            if not file.is_file():
                raise InputError(f"{file}: no such file (the stage evaluate makes it)")
            path = Path(os.path.relpath(file, folder)).as_posix()
            sources[key] = quote(path)
    return sources


@dataclass(frozen=True)
class Thumbnail:
    """An image as it is listed.

    Args:
        id: its number.
        name: of the original photograph.
        thumbnail: a small picture, as data URI.
        width: of the ground truth, in pixels.
        height: as `width`.
    """

    id: str
    name: str
    thumbnail: str
    width: int
    height: int


def thumbnails(results: Results) -> list[Thumbnail]:
    """The images of one scale.

    Raises:
        InputError: the ground truth of one is missing.
    """

    def thumbnail(image: str) -> Thumbnail:
        pixels, _ = read_rgb(results.hr / f"{image}.png")
        picture = Image.fromarray(pixels)
        width, height = picture.size
        picture.thumbnail(THUMBNAIL)
        return Thumbnail(image, results.names[image], _data_uri(picture, 75), width, height)

    return map_threads(thumbnail, results.names, "thumbnails")


def _files(results: Results) -> Iterator[tuple[str, Path]]:
    for image in results.names:
        yield _key(results, image, "hr"), results.hr / f"{image}.png"
        for method in results.methods:
            yield _key(results, image, method), results.sr / method / f"{image}.png"


def _key(results: Results, image: str, method: str) -> str:
    return f"hr/{image}" if method == "hr" else f"x{results.scale}/{method}/{image}"


def _data_uri(picture: Image.Image, quality: int) -> str:
    file = BytesIO()
    picture.save(file, "WEBP", quality=quality)
    return f"data:image/webp;base64,{b64encode(file.getvalue()).decode()}"
