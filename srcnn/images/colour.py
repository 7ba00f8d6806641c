"""Colour: whatever an image's profile makes of its numbers, as sRGB; what is transparent, white."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from srcnn.errors import InputError

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}  # by the colour space of a profile
_WITHOUT_PALETTE = {"1": "L", "P": "RGB"}

_CLOSE = 2
"""Levels by which a profile may differ from sRGB and still count as sRGB.

Makers of sRGB profiles round its curve and primaries in many ways; gamma 2.2 is off by up to 9.
"""

_SRGB_IN_PNG: dict[str, tuple[str, Any]] = {
    "gAMA": ("gamma", 0.45455),
    "cHRM": ("chromaticity", (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)),  # white, R, G, B
}


def to_srgb(image: Image.Image) -> tuple[Image.Image, str | None, str | None]:
    """Convert an image of 8 bits a channel to sRGB.

    Relative colorimetric with black point compensation, as image editors do it. An image without
    a profile is taken for sRGB, one with a profile that cannot be applied is too.

    Args:
        image: of any mode; its `info` may hold a profile.

    Returns:
        the image in mode RGB or RGBA; the profile that was applied, such as
        `ICC profile Display P3`, or None if it is sRGB's; and what the file says of its colours
        that was not heeded.

    Raises:
        InputError: the mode has no known meaning.
    """
    info = image.info
    image = without_palette(image)
    if "icc_profile" not in info:
        return _rgb(image), None, _unheeded_in_png(info)
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(info["icc_profile"] or b""))
        space, name = profile.profile.xcolor_space.strip(), _name(profile)
        if space == "RGB" and image.mode in ("L", "LA"):
            image = _rgb(image)  # its curve is good for grey too
        if image.mode.removesuffix("A") != _MODES.get(space):
            return _rgb(image), None, f"{name}, which is for {space} images,"
        if _is_srgb(profile, _MODES[space]):
            return _rgb(image), None, None
        return _applied(image, profile), name, None
    except (OSError, ImageCms.PyCMSError):
        return _rgb(image), None, "unreadable ICC profile"


def on_white(image: Image.Image) -> Image.Image:
    """RGB of an image in mode RGB or RGBA; a transparent pixel has a colour that nobody sees."""
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def without_palette(image: Image.Image) -> Image.Image:
    """The same colours in one of the modes L, LA, RGB, RGBA, CMYK."""
    mode = _WITHOUT_PALETTE.get(image.mode, image.mode)
    if mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        raise InputError(f"{mode} is no kind of colour that is known here; save it as RGB")
    if image.has_transparency_data:
        mode = mode.removesuffix("A") + "A"
    return image if image.mode == mode else image.convert(mode)  # which would copy it


def _rgb(image: Image.Image) -> Image.Image:
    """Pillow's conversion to RGB or RGBA."""
    return image.convert("RGBA" if image.mode.endswith("A") else "RGB")


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    description = profile.profile.profile_description or ""
    printable = "".join(c if c.isprintable() else " " for c in description)
    return f"ICC profile {' '.join(printable.split())[:60] or 'without a name'}"


def _applied(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """The image in sRGB, with its alpha channel, if it has one, as it is."""
    mode = image.mode.removesuffix("A")
    transform = ImageCms.buildTransform(
        profile,
        _SRGB,
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    result = transform.apply(image.convert(mode))
    if mode != image.mode:
        result.putalpha(image.getchannel("A"))
    return result


def _is_srgb(profile: ImageCms.ImageCmsProfile, mode: str) -> bool:
    """Whether the profile leaves colours as they are, but for rounding."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    before = Image.fromarray(grid).convert(mode)
    after = np.asarray(_applied(before, profile)).astype(int)
    return bool(np.abs(after - np.asarray(_rgb(before))).max() <= _CLOSE)


def _unheeded_in_png(info: dict[str | tuple[int, int], Any]) -> str | None:
    """The chunks of a PNG that say of its colours what is not so of sRGB."""
    said = [
        chunk
        for chunk, (key, of_srgb) in _SRGB_IN_PNG.items()
        if not np.allclose(info.get(key, of_srgb), of_srgb, rtol=0, atol=0.01)
    ]
    return f"PNG {' and '.join(said)}" if said and "srgb" not in info else None
