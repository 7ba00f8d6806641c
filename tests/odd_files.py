"""Small odd image files, each legal or nearly so, of kinds that people have reported."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
KEYWORDS = b"\x1c\x02\x19\0\x06keywrd"  # IPTC


def picture() -> Image.Image:
    """32 × 24 pixels: 8 × 6 squares of random colours."""
    squares = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(np.kron(squares, np.ones((4, 4, 1), np.uint8)))


def exif_directory(*entries: tuple[int, int, int, bytes]) -> bytes:
    """EXIF data of one directory: tag, type, count and four bytes of value of each entry."""
    table = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4)


def png_with_chunk(name: bytes, body: bytes, *, damaged: bool = False) -> bytes:
    """The picture as PNG, with one more chunk after its header."""
    png = encoded("PNG")
    checksum = struct.pack(">I", zlib.crc32(name + body) ^ damaged)
    return png[:33] + struct.pack(">I", len(body)) + name + body + checksum + png[33:]


def encoded(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """An image, by default the picture, as a file."""
    file = io.BytesIO()
    (image or picture()).save(file, kind, **options)
    return file.getvalue()


def jpeg_with_segment(marker: int, body: bytes) -> bytes:
    """The picture as JPEG, with one more segment at its beginning."""
    jpeg = encoded("JPEG", quality=92)
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def tiff_of_directories(count: int) -> bytes:
    """A grey TIFF of 8 × 8 pixels, followed by a chain of tiny previews."""
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 122, 277: 1, 278: 8, 279: 64}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    file = bytearray(b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory)
    file += struct.pack("<I", 186) + bytes(range(64))
    preview = b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in ((254, 1), (256, 8), (257, 8))
    )
    for number in range(count):
        following = 0 if number == count - 1 else len(file) + 42
        file += struct.pack("<H", 3) + preview + struct.pack("<I", following)
    return bytes(file)


def tiff_of(pixels: npt.NDArray[Any], **options: Any) -> bytes:
    """An array as TIFF, by an independent writer."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def gps_only() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 29.0)
    return exif.tobytes()


def write_odd_files(folder: Path) -> None:
    """Write all of them; some file systems refuse none of their names."""
    text, large, zipped = PngInfo(), PngInfo(), PngInfo()
    text.add_text("Author", "somebody")
    large.add_text("workflow", "x" * 3_000_000)
    zipped.add_text("workflow", "x" * 3_000_000, zip=True)
    grey = np.asarray(picture())[..., 0]
    wrong_types = exif_directory(
        (274, 3, 1, b"\6\0\0\0"), (282, 3, 1, b"H\0\0\0"), (283, 2, 4, b"abc\0")
    )
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(KEYWORDS)) + KEYWORDS
    files = {
        "orientation_and_wrong_types.jpg": encoded("JPEG", exif=wrong_types),
        "gps_only.jpg": encoded("JPEG", exif=gps_only()),
        "garbage_exif.png": png_with_chunk(b"eXIf", b"not EXIF at all"),
        "icc_of_a_megabyte.png": encoded("PNG", icc_profile=SRGB + bytes(1_200_000)),
        "zipped_text_of_3_mb.png": encoded("PNG", pnginfo=zipped),
        "text_of_3_mb.png": encoded("PNG", pnginfo=large),
        "300_dpi.jpg": encoded("JPEG", dpi=(300, 300)),
        "300_dpi.png": encoded("PNG", dpi=(300, 300)),
        "300_dpi.bmp": encoded("BMP", dpi=(300, 300)),
        "text.png": encoded("PNG", pnginfo=text),
        "xmp.jpg": encoded("JPEG", xmp=XMP),
        "iptc.jpg": jpeg_with_segment(0xED, photoshop),
        "photo.jfif": encoded("JPEG"),
        "photo.avif": encoded("AVIF"),
        "two_pictures.mpo": encoded("MPO", save_all=True, append_images=[picture().rotate(180)]),
        "heic_named.jpg": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        "lossless.webp": encoded("WEBP", lossless=True),
        "grey_with_rgb_profile.jpg": encoded("JPEG", picture().convert("L"), icc_profile=SRGB),
        "grey_with_rgb_profile.png": encoded("PNG", picture().convert("L"), icc_profile=SRGB),
        "grey_alpha_in_planes.tif": tiff_of(
            np.stack([grey, np.full_like(grey, 128)]),
            photometric="minisblack",
            planarconfig="separate",
            extrasamples=["unassalpha"],
            compression="deflate",
        ),
        "signed_grey.tif": tiff_of(
            (grey.astype(int) - 128).astype(np.int8), photometric="minisblack"
        ),
        f"{'n' * 240}.png": encoded("PNG"),
        f"{'照' * 80}.png": encoded("PNG"),
        "valid_then_64_mb_of_nothing.png": encoded("PNG"),
        "16000_previews.tif": tiff_of_directories(16_000),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    os.truncate(folder / "valid_then_64_mb_of_nothing.png", 64 << 20)
    for name, other in (("a", "b"), ("b", "a")):  # one photograph; folders that link to each other
        (folder / "circle" / name).mkdir(parents=True)
        for link in ("l1", "l2"):
            (folder / "circle" / name / link).symlink_to(f"../{other}")
    (folder / "circle" / "a" / "x.png").write_bytes(encoded("PNG"))
