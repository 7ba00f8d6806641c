"""Converts images to sRGB with their ICC profiles, and puts transparent images on white."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from srcnn.errors import InputError

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}  # Pillow's mode by a profile's colour space

# Levels by which a profile may differ and still count as sRGB: sRGB profiles round the curve and
# primaries in different ways. Gamma 2.2 differs by up to 9 levels.
_CLOSE = 2

_SRGB_IN_PNG: dict[str, tuple[str, Any]] = {
    "gAMA": ("gamma", 0.45455),
    "cHRM": ("chromaticity", (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)),  # white, R, G, B
}


def to_srgb(image: Image.Image) -> tuple[Image.Image, str | None, str | None]:
    """Convert an image of 8 bits per channel to sRGB.

    Relative colorimetric with black point compensation, as in image editors. An image without a
    profile in its `info`, or with one that cannot be applied, is read as sRGB.

    Returns:
        the image in mode RGB or RGBA; the profile that was applied, such as
        `ICC profile Display P3`, or None for sRGB; and the ignored colour information, or None.

    Raises:
        InputError: the mode is not supported.
    """
    info = image.info
    image = without_palette(image)
    if "icc_profile" not in info:
        return _rgb(image), None, _ignored_in_png(info)
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(info["icc_profile"] or b""))
        space, name = profile.profile.xcolor_space.strip(), _name(profile)
        if space == "RGB" and image.mode in ("L", "LA"):
            image = _rgb(image)  # an RGB profile's curve applies to grey too
        if image.mode.removesuffix("A") != _MODES.get(space):
            return _rgb(image), None, f"{name} for {space} images"
        if _is_srgb(profile, _MODES[space]):
            return _rgb(image), None, None
        return _apply(image, profile), name, None
    except (OSError, ImageCms.PyCMSError):
        return _rgb(image), None, "unreadable ICC profile"


def on_white(image: Image.Image) -> Image.Image:
    """Turn an image in mode RGB or RGBA into RGB; transparent pixels become white."""
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def without_palette(image: Image.Image) -> Image.Image:
    """Convert an image to one of the modes L, LA, RGB, RGBA, CMYK with the same colours."""
    mode = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA"}.get(image.mode, image.mode)
    if mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        raise InputError(f"colour mode {mode} is not supported; save it as RGB")
    if image.has_transparency_data:
        mode = mode.removesuffix("A") + "A"
    return image if image.mode == mode else image.convert(mode)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB or RGBA as Pillow does."""
    return image.convert("RGBA" if image.mode.endswith("A") else "RGB")


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    description = profile.profile.profile_description or ""
    printable = "".join(c if c.isprintable() else " " for c in description)
    return f"ICC profile {' '.join(printable.split())[:60] or 'without a name'}"


def _apply(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Convert the colours to sRGB; an alpha channel stays unchanged."""
    mode = image.mode.removesuffix("A")
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    transform = ImageCms.buildTransform(profile, _SRGB, mode, "RGB", intent, flags)
    result = transform.apply(image.convert(mode))
    if mode != image.mode:
        result.putalpha(image.getchannel("A"))
    return result


def _is_srgb(profile: ImageCms.ImageCmsProfile, mode: str) -> bool:
    """Whether the profile leaves colours unchanged, except for rounding."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    before = Image.fromarray(grid).convert(mode)
    after = np.asarray(_apply(before, profile)).astype(int)
    return bool(np.abs(after - np.asarray(_rgb(before))).max() <= _CLOSE)


def _ignored_in_png(info: dict[str | tuple[int, int], Any]) -> str | None:
    """The chunks of a PNG that describe colours other than sRGB's."""
    names = [
        chunk
        for chunk, (key, srgb) in _SRGB_IN_PNG.items()
        if not np.allclose(info.get(key, srgb), srgb, rtol=0, atol=0.01)
    ]
    return f"PNG {' and '.join(names)}" if names and "srgb" not in info else None
