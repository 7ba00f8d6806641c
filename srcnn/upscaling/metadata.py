"""What an image file says besides its pixels: profile, EXIF, XMP, IPTC, text, resolution."""

import re
from dataclasses import dataclass, replace
from typing import Any, Self

from PIL import ExifTags, Image

from srcnn.images.decode import DecodedFile, orientation
from srcnn.upscaling.exif import read_exif

Chunks = tuple[tuple[bytes, bytes], ...]  # name and body of each chunk of a PNG

_IPTC_IN_JPEG, _IPTC_IN_TIFF = 0x0404, 33723
_DESCRIPTIONS = (269, 285)  # DocumentName, PageName
_FIRST_PRIVATE = 32768
_KNOWN = (33723, 34377, 34665, 34675, 34853, 37724, 40965)  # IPTC, EXIF, ICC, layers …
_DPI = (1, 65_535)  # lowest and highest believable resolution

# Names in XMP that no longer hold: the image is turned upright and has another size.
_XMP_LAYOUT = rb"(tiff:(Orientation|ImageWidth|ImageLength)|exif:Pixel[XY]Dimension)"
_XMP_STALE = re.compile(
    rb"\s%b=(\"[^\"]*\"|'[^']*')|<%b>[^<]*</[^>]*>" % (_XMP_LAYOUT, _XMP_LAYOUT)
)
_XMP_EXTENDED = re.compile(rb"\sxmpNote:HasExtendedXMP=(\"[^\"]*\"|'[^']*')")
_XMP_OF_PICTURES = re.compile(rb"GContainer|hdrgm:|MicroVideo|MotionPhoto")  # besides the first


@dataclass(frozen=True)
class Metadata:
    """The metadata of an image file, in the form that holds for the upscaled image."""

    icc: bytes | None = None  # ICC profile
    colour_chunks: Chunks = ()  # a PNG's other chunks about colour
    exif: bytes | None = None  # as a JPEG stores them
    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None  # of a JPEG
    png_text: Chunks = ()
    dpi: tuple[float, float] | None = None

    def stripped(self) -> Self:
        """Only what the colours depend on."""
        return replace(type(self)(), icc=self.icc, colour_chunks=self.colour_chunks)


NO_METADATA = Metadata()


def read_metadata(decoded: DecodedFile) -> tuple[Metadata, list[str]]:
    """The metadata of a decoded file, and notes on what of them is dropped as unreadable."""
    image, info, png = decoded.image, decoded.image.info, decoded.png
    notes = []
    exif, is_whole = read_exif(image)
    if not is_whole:
        notes.append("unreadable EXIF data dropped")
    xmp = _xmp(info)
    if xmp and _XMP_OF_PICTURES.search(xmp):
        xmp = None
        notes.append("XMP dropped: it describes a gain map or a video that was left out")
    elif xmp and _XMP_EXTENDED.search(xmp):
        xmp = _XMP_EXTENDED.sub(b"", xmp)
        notes.append("extended XMP dropped")
    if any(_is_private(tag) for tag in getattr(image, "tag_v2", {})):
        notes.append("other TIFF tags dropped")
    metadata = Metadata(
        icc=info.get("icc_profile") or None,
        colour_chunks=tuple(png.colour) if png else (),
        exif=exif,
        xmp=xmp,
        iptc=_iptc(image),
        comment=info.get("comment") if image.format in ("JPEG", "MPO") else None,
        png_text=tuple(png.text) if png else (),
        dpi=_dpi(image),
    )
    return metadata, notes


def _xmp(info: dict[Any, Any]) -> bytes | None:
    xmp = info.get("xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return (_XMP_STALE.sub(b"", xmp) or None) if isinstance(xmp, bytes) else None


def _iptc(image: Image.Image) -> bytes | None:
    resources = image.info.get("photoshop")
    if isinstance(resources, dict):
        return resources.get(_IPTC_IN_JPEG) or None
    # The bytes as in the file: often they are declared as 32-bit numbers.
    return image.tag_v2._tagdata.get(_IPTC_IN_TIFF) if hasattr(image, "tag_v2") else None


def _is_private(tag: int) -> bool:
    """Whether a TIFF tag is about the image, and is neither kept nor about the layout."""
    return tag in _DESCRIPTIONS or (tag >= _FIRST_PRIVATE and tag not in _KNOWN)


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Horizontal and vertical resolution; None if the file has none of its own."""
    info = image.info
    dpi: Any = info.get("dpi")
    # Without a resolution in a JPEG's header, Pillow takes that of EXIF, or 72.
    if image.format in ("JPEG", "MPO") and info.get("jfif_unit") not in (1, 2):
        return None
    if image.format == "TIFF" and ExifTags.Base.XResolution not in image.tag_v2:  # type: ignore[attr-defined]
        return None
    if not isinstance(dpi, tuple) or not all(_DPI[0] <= float(value) <= _DPI[1] for value in dpi):
        return None
    across, down = map(float, dpi)
    return (down, across) if orientation(image) >= 5 else (across, down)
