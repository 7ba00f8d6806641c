"""EXIF: reads the tags of the original that also hold for the upscaled image."""

from typing import Any

from PIL import ExifTags, Image

IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

_KEPT = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer"),
    *("Rating", "Copyright", "XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
    *("XResolution", "YResolution", "ResolutionUnit"),
)
_SIZES = (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)


def read_exif(image: Image.Image) -> bytes | None:
    """The tags about the photograph, without orientation, sizes, preview and file layout.

    Returns:
        EXIF data as a JPEG stores them; None if no tag is left.
    """
    old, new = image.getexif(), Image.Exif()
    for name in _KEPT:
        tag = ExifTags.Base[name]
        if tag in old:
            new[tag] = as_stored(old[tag])
    for ifd in IFDS:
        tags = {tag: as_stored(v) for tag, v in old.get_ifd(ifd).items() if tag not in _SIZES}
        if tags:
            new.get_ifd(ifd).update(tags)
    return new.tobytes() if len(new) or new.get_ifd(ExifTags.IFD.Exif) else None


def as_stored(value: Any) -> Any:
    """The bytes of a text tag as the file stores them.

    Pillow decodes them as Latin-1, although most are UTF-8, and would write `?` for some letters.
    """
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value
