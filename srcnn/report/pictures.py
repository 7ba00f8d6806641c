"""The images in the report: inside the page as long as they fit, otherwise linked files."""

import os
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from srcnn.analysis.results import Results
from srcnn.errors import InputError
from srcnn.images.image_io import read_rgb
from srcnn.utils.threads import map_threads

QUALITY, THUMBNAIL_QUALITY = 95, 75  # 95: 42 dB from the exact pixels, a fifth of the bytes of PNG
MAX_WEBP_SIDE = 16383  # pixels, a limit of the format
THUMBNAIL = 192, 128  # width and height of its box: twice its size on the page, for sharp screens

# The `src` of each image, a data URI or a path, by hr/{image} or x{scale}/{method}/{image}.
Sources = dict[str, str]


def embed_pictures(scales: Sequence[Results], limit: int) -> Sources | None:
    """All images as data URIs; None if one is too large for WebP or all exceed `limit` characters.

    Raises:
        InputError: an image is missing, or its size differs from that of the ground truth.
    """
    sources: Sources = {}
    for results in scales:
        for image in results.names:
            for method, picture in results.pictures(image, *results.methods).items():
                if max(picture.shape) > MAX_WEBP_SIDE:
                    return None
                key = _key(results, image, method)
                if key not in sources:
                    sources[key] = _data_uri(Image.fromarray(picture), QUALITY)
            if sum(map(len, sources.values())) > limit:
                return None
    return sources


def link_pictures(scales: Sequence[Results], folder: Path) -> Sources:
    """The relative paths of all images from the folder of the page.

    Raises:
        InputError: an image is missing.
    """
    sources: Sources = {}
    for results in scales:
        for image, method in product(results.names, ("hr", *results.methods)):
            parent = results.hr if method == "hr" else results.sr / method
            file = parent / f"{image}.png"
            if not file.is_file():
                raise InputError(f"{file}: no such file (the stage evaluate makes it)")
            path = Path(os.path.relpath(file, folder)).as_posix()
            sources[_key(results, image, method)] = quote(path)
    return sources


def thumbnails(results: Results) -> list[dict[str, Any]]:
    """Of each image: `id`, `name`, `width` and `height` of the ground truth, and `thumbnail`.

    Raises:
        InputError: a ground truth is missing.
    """

    def thumbnail(image: str) -> dict[str, Any]:
        picture = Image.fromarray(read_rgb(results.hr / f"{image}.png"))
        size = {"width": picture.width, "height": picture.height}
        picture.thumbnail(THUMBNAIL)
        uri = _data_uri(picture, THUMBNAIL_QUALITY)
        return {"id": image, "name": results.names[image], "thumbnail": uri, **size}

    return map_threads(thumbnail, results.names, "thumbnails")


def _key(results: Results, image: str, method: str) -> str:
    return f"hr/{image}" if method == "hr" else f"x{results.scale}/{method}/{image}"


def _data_uri(picture: Image.Image, quality: int) -> str:
    file = BytesIO()
    picture.save(file, "WEBP", quality=quality)
    return f"data:image/webp;base64,{b64encode(file.getvalue()).decode()}"
