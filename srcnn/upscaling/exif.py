"""EXIF: reads the tags of the original that also hold for the upscaled image."""

from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

_RESOLUTION = ("XResolution", "YResolution", "ResolutionUnit")
_KEPT = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer"),
    *("Rating", "Copyright", "XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
    *_RESOLUTION,
)
_LEFT_OUT: tuple[int, ...] = (
    ExifTags.Base.ExifImageWidth,
    ExifTags.Base.ExifImageHeight,
    ExifTags.Base.ExifInteroperabilityOffset,
)
_INCHES = 2


def read_exif(image: Image.Image) -> tuple[bytes | None, bool]:
    """The tags about the photograph, without orientation, sizes, preview and file layout.

    Returns:
        EXIF data as a JPEG stores them, or None if no tag is left; and whether all were readable.
    """
    new = Image.Exif()
    try:
        if data := image.info.get("exif"):
            old = Image.Exif()
            old.load(data)
        else:
            old = image.getexif()  # of a TIFF
        inner = {ifd: dict(old.get_ifd(ifd)) for ifd in IFDS}
        kept: list[int] = [ExifTags.Base[name] for name in _KEPT]
        outer = {tag: old[tag] for tag in kept if tag in old}
    except Exception:  # damaged EXIF can raise anything
        return None, False
    new.endian = old.endian  # on which the content of some tags depends
    found = {tag: as_stored(value) for tag, value in outer.items()}
    valid = _valid_tags(found)
    is_whole = len(valid) == len(found)
    for tag, value in valid.items():
        new[tag] = value
    for ifd, tags in inner.items():
        found = {tag: as_stored(value) for tag, value in tags.items() if tag not in _LEFT_OUT}
        valid = _valid_tags(found, ifd)
        is_whole = is_whole and len(valid) == len(found)
        if valid:
            new.get_ifd(ifd).update(valid)
    is_empty = not len(new) and not any(new.get_ifd(ifd) for ifd in IFDS)
    return None if is_empty else new.tobytes(), is_whole


def with_resolution(exif: bytes | None, dpi: tuple[float, float]) -> bytes:
    """The EXIF data with the resolution in dots per inch, unless they have one."""
    data = Image.Exif()
    data.load(exif or b"")
    if exif and any(ExifTags.Base[name] in data for name in _RESOLUTION):
        return exif
    for tag in set(data) - set(IFDS):
        data[tag] = as_stored(data[tag])
    for name, value in zip(_RESOLUTION, (*dpi, _INCHES), strict=True):
        data[ExifTags.Base[name]] = value
    return data.tobytes()


def as_stored(value: Any) -> Any:
    """The bytes of a text tag as the file stores them.

    Pillow decodes them as Latin-1, although most are UTF-8, and would write `?` for some letters.
    """
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value


def _valid_tags(tags: Mapping[int, Any], ifd: int | None = None) -> dict[int, Any]:
    """The tags that can be written; a wrong type makes the others unwritable too."""
    valid = {}
    for tag, value in tags.items():
        one = Image.Exif()
        (one if ifd is None else one.get_ifd(ifd))[tag] = value
        try:
            one.tobytes()
        except Exception:  # depends on the type
            continue
        valid[tag] = value
    return valid
