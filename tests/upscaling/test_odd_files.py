"""`srcnn upscale` on odd files that people really have: nothing is lost in silence."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from srcnn.cli.program import main
from srcnn.upscaling.upscale import upscale
from tests.odd_files import (
    KEYWORDS,
    SRGB,
    XMP,
    encoded,
    exif_directory,
    jpeg_with_segment,
    picture,
    png_with_chunk,
    tiff_of,
    tiff_of_directories,
    write_odd_files,
)

Upscale = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    write_odd_files(folder)
    return folder


@pytest.fixture
def run(odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Upscale:
    """Upscale a file into the current folder: returns the status, and its one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 2**24)  # to read results

    def run(name: str, *options: str, content: bytes | None = None) -> tuple[int, str]:
        source = odd / name
        if content is not None:
            source = tmp_path / "in" / name
            source.parent.mkdir(exist_ok=True)
            source.write_bytes(content)
        capfd.readouterr()
        status = main(["upscale", str(source), "-o", ".", "--force", *options])
        said = capfd.readouterr()
        lines = (said.out + said.err).splitlines()
        assert len(lines) == 1, lines
        return status, lines[0].replace(str(source), name)

    return run


def same_picture(path: str, source: Image.Image | None = None, *, within: float = 0) -> bool:
    """Whether a result has the pixels of the upscaled source, by default of the picture.

    `within` is the largest mean difference in levels.
    """
    with Image.open(path) as image:
        result = np.asarray(image.convert("RGB")).astype(int)
    return float(np.abs(result - np.asarray(upscale(source or picture()))).mean()) <= within


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("garbage_exif.png", "unreadable EXIF data dropped"),
        ("icc_of_a_megabyte.png", ""),
        ("zipped_text_of_3_mb.png", ""),
        ("text_of_3_mb.png", ""),
        ("300_dpi.png", ""),
        ("300_dpi.bmp", ""),
        ("text.png", ""),
        ("lossless.webp", ""),
        (f"{'n' * 240}.png", ""),
        (f"{'照' * 80}.png", ""),
        ("valid_then_64_mb_of_nothing.png", ""),
    ],
)
def test_a_readable_picture_is_enlarged(run: Upscale, name: str, note: str) -> None:
    assert run(name) == (0, f"{name} ({note})" if note else name)
    assert same_picture(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("heic_named.jpg", "HEIC is not supported; convert it first, as with heif-convert"),
        ("grey_alpha_in_planes.tif", "grey and alpha in separate planes; save it with interleaved"),
        ("signed_grey.tif", "signed pixels are not supported; save it with unsigned ones"),
        ("16000_previews.tif", "more than 100 pages or previews; save each as a file"),
    ],
)
def test_what_would_give_another_picture_is_refused(run: Upscale, name: str, said: str) -> None:
    status, line = run(name)
    assert (status, line[: len(name) + 9 + len(said)]) == (1, f"error: {name}: {said}")
    assert not Path(name).exists()


def test_a_damaged_tag_leaves_the_orientation_and_the_other_tags(run: Upscale) -> None:
    name = "orientation_and_wrong_types.jpg"
    assert run(name) == (0, f"{name} (unreadable EXIF data dropped)")
    with Image.open(name) as image:
        assert image.size == (48, 64)
        assert dict(image.getexif()) == {ExifTags.Base.XResolution: 72.0}


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif"])
def test_a_position_alone_is_kept(run: Upscale, suffix: str) -> None:
    assert run("gps_only.jpg", "-o", f"result.{suffix}") == (0, f"result.{suffix}")
    with Image.open(f"result.{suffix}") as image:
        position = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert position == {ExifTags.GPS.GPSLatitude: (48.0, 51.0, 29.0)}


@pytest.mark.parametrize("source", ["300_dpi.jpg", "300_dpi.png", "300_dpi.bmp"])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
def test_the_resolution_is_kept(run: Upscale, source: str, suffix: str) -> None:
    assert run(source, "-o", f"result.{suffix}") == (0, f"result.{suffix}")
    with Image.open(f"result.{suffix}") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02)


@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_the_resolution_becomes_exif_where_there_is_no_other_place(
    run: Upscale, suffix: str
) -> None:
    assert run("300_dpi.png", "-o", f"result.{suffix}") == (0, f"result.{suffix}")
    with Image.open(f"result.{suffix}") as image:
        assert image.getexif()[ExifTags.Base.XResolution] == pytest.approx(300, abs=0.02)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif"])
def test_xmp_is_kept(run: Upscale, suffix: str) -> None:
    assert run("xmp.jpg", "-o", f"result.{suffix}") == (0, f"result.{suffix}")
    with Image.open(f"result.{suffix}") as image:
        image.load()
        assert image.info["xmp"] == XMP


def test_xmp_about_orientation_and_size_is_left_out(run: Upscale) -> None:
    stale = b' tiff:Orientation="6" exif:PixelXDimension="32" dc:creator="me"'
    content = encoded("JPEG", xmp=XMP.replace(b"<rdf:RDF/>", b"<rdf:RDF%b/>" % stale))
    assert run("photo.jpg", content=content) == (0, "photo.jpg")
    with Image.open("photo.jpg") as image:
        assert image.size == (48, 64)  # turned as the XMP data say
        assert image.info["xmp"] == XMP.replace(b"RDF/", b'RDF dc:creator="me"/')


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_iptc_data_are_kept(run: Upscale, suffix: str) -> None:
    assert run("iptc.jpg", "-o", f"result.{suffix}") == (0, f"result.{suffix}")
    with Image.open(f"result.{suffix}") as image:
        if suffix == "jpg":
            assert image.info["photoshop"][0x0404] == KEYWORDS
        else:
            assert image.tag_v2[33723] == KEYWORDS  # type: ignore[attr-defined]


def test_text_of_a_png_is_kept(run: Upscale) -> None:
    assert run("text.png") == (0, "text.png")
    with Image.open("text.png") as image:
        assert image.text == {"Author": "somebody"}  # type: ignore[attr-defined]


def test_a_comment_of_a_jpeg_is_kept(run: Upscale) -> None:
    content = encoded("JPEG", comment=b"by somebody")
    for suffix in ("jpg", "png"):
        assert run("photo.jpg", "-o", f"result.{suffix}", content=content)[0] == 0
        with Image.open(f"result.{suffix}") as image:
            said = image.info["comment" if suffix == "jpg" else "Comment"]
        assert said in (b"by somebody", "by somebody")


@pytest.mark.parametrize(
    ("source", "result", "note"),
    [
        ("text.png", "text.jpg", "text dropped: jpeg cannot store it"),
        ("iptc.jpg", "iptc.png", "IPTC dropped: png cannot store it"),
        ("xmp.jpg", "xmp.bmp", "XMP dropped: bmp cannot store it"),
        ("gps_only.jpg", "gps_only.bmp", "EXIF dropped: bmp cannot store it"),
    ],
)
def test_what_a_format_cannot_store_is_named(
    run: Upscale, source: str, result: str, note: str
) -> None:
    assert run(source, "-o", result) == (0, f"{result} ({note})")


def test_strip_leaves_out_all_but_the_colours(run: Upscale) -> None:
    exif = exif_directory((274, 3, 1, b"\6\0\0\0"), (282, 3, 1, b"H\0\0\0"))
    options: dict[str, Any] = {
        "exif": exif,
        "xmp": XMP,
        "comment": b"me",
        "dpi": (300, 300),
        "icc_profile": SRGB,
    }
    for kind in ("JPEG", "PNG", "TIFF"):
        supported = {k: v for k, v in options.items() if k != "comment" or kind == "JPEG"}
        name = f"photo.{kind.lower()}"
        assert run(name, "--strip", content=encoded(kind, **supported)) == (0, name)
        with Image.open(name) as image:
            image.load()
            assert not {"exif", "xmp", "comment"} & image.info.keys()
            assert image.info.get("dpi") != (300, 300)
            assert image.info["icc_profile"] == SRGB
            assert image.size == (48, 64) if kind == "JPEG" else (64, 48)


@pytest.mark.parametrize("name", ["photo.jfif", "photo.avif", "photo.jpe"])
def test_other_suffixes_are_accepted(run: Upscale, odd: Path, name: str) -> None:
    content = None if (odd / name).exists() else encoded("JPEG")
    assert run(name, content=content) == (0, name)
    with Image.open(name) as image:
        assert (image.format, image.size) == ("AVIF" if "avif" in name else "JPEG", (64, 48))
    with Image.open(io.BytesIO(content or (odd / name).read_bytes())) as source:
        assert same_picture(name, source, within=6)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_avif_keeps_colours_and_alpha(run: Upscale, mode: str) -> None:
    colours: dict[str, Any] = {"L": 90, "LA": (90, 130), "RGB": (200, 90, 30)}
    image = Image.new(mode, (16, 16), colours.get(mode, (200, 90, 30, 130)))
    assert run("photo.png", "--format", "avif", content=encoded("PNG", image)) == (0, "photo.avif")
    with Image.open("photo.avif") as result:
        assert ("A" in result.mode) == mode.endswith("A")
        expected = np.asarray(image.convert("RGBA"))[0, 0].astype(int)
        assert np.abs(np.asarray(result.convert("RGBA")) - expected).max() <= 4


def test_the_first_of_several_pictures_is_taken_with_a_note(run: Upscale, odd: Path) -> None:
    status, line = run("two_pictures.mpo")
    assert (status, line) == (0, "two_pictures.jpg (the first of 2 pictures)")
    with Image.open(odd / "two_pictures.mpo") as first:
        assert same_picture("two_pictures.jpg", first, within=6)


def test_a_lossless_webp_stays_lossless(run: Upscale) -> None:
    assert run("lossless.webp") == (0, "lossless.webp")
    assert Path("lossless.webp").read_bytes()[12:16] == b"VP8L"


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_grey_with_a_profile_for_rgb_becomes_rgb(run: Upscale, suffix: str) -> None:
    name = f"grey_with_rgb_profile.{suffix}"
    note = "grey stored as RGB, because its ICC profile is for RGB"
    assert run(name) == (0, f"{name} ({note})")
    with Image.open(name) as image:
        assert (image.mode, image.info["icc_profile"]) == ("RGB", SRGB)


def test_an_unreadable_profile_is_dropped_with_a_note(run: Upscale) -> None:
    content = encoded("JPEG", icc_profile=b"no profile" * 20)
    assert run("photo.jpg", content=content) == (0, "photo.jpg (unreadable ICC profile dropped)")


@pytest.mark.parametrize("name", [b"eXIf", b"tEXt", b"iCCP", b"zzZz", b"gAMA"])
def test_a_damaged_chunk_does_not_make_a_picture_unreadable(run: Upscale, name: bytes) -> None:
    content = png_with_chunk(name, b"Author\0somebody", damaged=True)
    note = f"damaged PNG chunks dropped: {name.decode()}"
    assert run("photo.png", content=content) == (0, f"photo.png ({note})")
    assert same_picture("photo.png")


def test_a_palette_with_alpha_keeps_both(run: Upscale) -> None:
    image = picture().quantize(16)
    image.putalpha(Image.new("L", image.size, 128))
    result = np.asarray(upscale(image))
    assert result.shape == (48, 64, 4)
    assert (result[..., 3] == 128).all()


def tiff_compressed_as(number: int) -> bytes:
    """The picture as TIFF, with another number in the tag Compression."""
    before, after = (struct.pack("<HHIHH", 259, 3, 1, value, 0) for value in (1, number))
    return encoded("TIFF").replace(before, after)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rare.bmp", encoded("BMP")[:30] + b"\6" + encoded("BMP")[31:], "not supported"),
        ("photo.tif", tiff_compressed_as(50_001), "TIFF compression 50001"),
        ("photo.jxl", b"\xff\x0a" + bytes(40), "JPEG XL is not supported; convert it first"),
        ("photo.png", b"GIF89a" + bytes(40), "GIF is not supported; convert it to PNG first"),
        ("photo.jpg", b"", "not a readable PNG, JPEG, WebP, TIFF, BMP or AVIF (empty)"),
        ("photo.jpg", b"hello", "not a readable PNG, JPEG, WebP, TIFF, BMP or AVIF"),
    ],
)
def test_unsupported_kinds_are_called_so(
    run: Upscale, name: str, content: bytes, said: str
) -> None:
    status, line = run(name, "-o", "result.png", content=content)
    assert status == 1
    assert said in line


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif"])
def test_text_beyond_ascii_is_kept(run: Upscale, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Zoë 東京".encode()
    content = encoded("JPEG", exif=exif, dpi=(72, 72))
    assert run("photo.jpg", "-o", f"result.{suffix}", content=content)[0] == 0
    with Image.open(f"result.{suffix}") as image:
        artist = image.getexif()[ExifTags.Base.Artist]
    assert artist.encode("latin-1").decode() == "Zoë 東京"


def test_a_comment_beyond_ascii_is_kept_in_a_png(run: Upscale) -> None:
    content = encoded("JPEG", comment="Zürich".encode())
    assert run("photo.jpg", "-o", "result.png", content=content) == (0, "result.png")
    with Image.open("result.png") as image:
        assert image.info["Comment"] == "Zürich"


def test_iptc_data_may_be_stored_as_numbers(run: Upscale) -> None:
    numbers = struct.unpack("<3I", KEYWORDS[:11] + b"\0")
    content = tiff_of(np.asarray(picture()), extratags=[(33723, 4, 3, numbers, True)])
    run("photo.tif", content=content)
    with Image.open("photo.tif") as image:
        assert image.tag_v2[33723] == KEYWORDS[:11] + b"\0"  # type: ignore[attr-defined]


def test_a_tiff_without_a_resolution_gets_none(run: Upscale) -> None:
    assert run("photo.tif", "-o", "result.png", content=encoded("TIFF")) == (0, "result.png")
    with Image.open("result.png") as image:
        assert "dpi" not in image.info


def test_large_layers_of_a_tiff_are_no_obstacle(run: Upscale) -> None:
    layers = (37724, 7, 70 << 20, bytes(70 << 20), True)
    content = tiff_of(np.asarray(picture()), extratags=[layers], software=False)
    assert run("photo.tif", content=content)[0] == 0


@pytest.mark.parametrize(
    ("xmp", "note"),
    [
        (b' hdrgm:Version="1.0"', "XMP dropped: it describes a gain map or a video"),
        (b' GCamera:MotionPhoto="1"', "XMP dropped: it describes a gain map or a video"),
        (b' xmpNote:HasExtendedXMP="0123"', "extended XMP dropped"),
    ],
)
def test_xmp_about_what_is_left_out_is_dropped(run: Upscale, xmp: bytes, note: str) -> None:
    content = encoded("JPEG", xmp=XMP.replace(b"RDF/", b"RDF%b/" % xmp))
    status, line = run("photo.jpg", content=content)
    assert (status, line[: len(note) + 11]) == (0, f"photo.jpg ({note}")
    with Image.open("photo.jpg") as image:
        assert xmp not in image.info.get("xmp", b"")


def test_a_profile_too_large_for_a_jpeg_is_named(run: Upscale) -> None:
    content = encoded("PNG", icc_profile=SRGB + bytes(17_000_000))
    status, line = run("photo.png", "-o", "result.jpg", content=content)
    note = "ICC profile dropped: jpeg holds at most 16707345 bytes of it"
    assert (status, line) == (0, f"result.jpg ({note})")


def test_colours_beyond_srgb_of_an_avif_are_named(run: Upscale) -> None:
    content = encoded("AVIF")
    place = content.index(b"colrnclx") + 8
    wide = content[:place] + b"\0\x09\0\x10" + content[place + 4 :]  # BT.2020, PQ
    assert run("photo.avif", content=wide) == (0, "photo.avif (colours read as sRGB)")


def test_of_a_whole_folder_none_is_passed_over(
    odd: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["upscale", str(odd), "-o", str(tmp_path / "large")]) == 1
    said = capfd.readouterr()
    refused = ("16000_previews", "grey_alpha_in_planes", "heic_named", "signed_grey")
    errors = said.err.splitlines()
    assert sorted(line.split("/")[-1].split(".")[0] for line in errors[:-1]) == list(refused)
    files = {file.stem for file in odd.rglob("*.*") if file.is_file()}
    results = {file.stem for file in (tmp_path / "large").rglob("*.*")}
    assert results == files - set(refused)


def test_photographs_of_unsupported_kinds_are_not_overlooked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(encoded("PNG"))
    Path("photos/b.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    Path("photos/c.jxl").write_bytes(b"\xff\x0a" + bytes(40))
    assert main(["upscale", "photos", "-o", "large"]) == 1
    said = capsys.readouterr()
    assert said.out == "large/a.png\n"
    assert "photos/b.heic: HEIC is not supported; convert it first" in said.err
    assert "photos/c.jxl: JPEG XL is not supported; convert it first" in said.err


def progressive(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    jpeg = encoded("JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * scans + b"\xff\xd9"


def busy(name: str) -> bytes:
    """A small file that would keep Pillow busy, or a large one without pixels."""
    tag_of_60_kb = (7, 60_000, b"\x08\0\0\0")
    match name:
        case "scans.jpg":
            return progressive(5_000)
        case "junk.jpg":
            return encoded("JPEG")[:20] + bytes(64 << 20)
        case "segments.jpg":
            return b"\xff\xd8" + b"\xff\xe2\0\2" * 2_000_000
        case "exif.jpg":
            tags = exif_directory(*((tag, *tag_of_60_kb) for tag in range(5_000)))
            return jpeg_with_segment(0xE1, tags)
        case "pages.tif":
            return tiff_of_directories(60_000)
        case "rle.bmp":
            bmp = encoded("BMP", picture().quantize(4))
            return bmp[:30] + b"\1" + bmp[31:] + bytes(5_000_000)
        case "strips.tif":
            strips = struct.pack("<HHII", 273, 4, 2**17, 8)
            return b"II*\0\x08\0\0\0\x01\0" + strips + bytes(2**20)
        case "tags.tif":
            return b"II*\0\x08\0\0\0" + struct.pack("<H", 65_535) + bytes(12 * 65_535 + 4)
        case "numbers.tif":
            return b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 270, 3, 2**30, 8) + bytes(4)
        case _:
            return encoded("PNG")[:33] + (bytes(4) + b"zzZz" + bytes(4)) * 250_001


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("scans.jpg", "101 scans or more"),
        ("junk.jpg", "bytes between JPEG segments"),
        ("segments.jpg", "more than 10000 JPEG segments"),
        ("exif.jpg", "TIFF or EXIF tags with too many values"),
        ("pages.tif", "more than 100 pages or previews"),
        ("tags.tif", "more than 20000 TIFF or EXIF tags"),
        ("numbers.tif", "TIFF or EXIF tags with too many values"),
        ("chunks.png", "more than 250000 chunks"),
        ("strips.tif", "TIFF or EXIF tags with too many values"),
        ("rle.bmp", "run-length encoded BMP; save it as PNG"),
    ],
)
def test_what_would_keep_a_decoder_busy_is_refused(run: Upscale, name: str, said: str) -> None:
    status, line = run(name, content=busy(name))
    assert status == 1
    assert said in line


def test_text_that_unpacks_to_a_lot_is_dropped(run: Upscale) -> None:
    for name in (b"Raw profile type exif", b"XML:com.adobe.xmp"):
        body = name + b"\0\0" + zlib.compress(b"\n" * (63 << 20))
        status, line = run("photo.png", content=png_with_chunk(b"zTXt", body))
        kind = "XMP" if b"XML" in name else "EXIF"
        assert (status, line) == (0, f"photo.png (unreadable {kind} data dropped)")


def test_nothing_behind_the_pixels_is_read(run: Upscale, tmp_path: Path) -> None:
    for kind in ("PNG", "WEBP", "BMP", "JPEG", "TIFF"):
        file = tmp_path / f"large.{kind.lower()}"
        file.write_bytes(encoded(kind))
        with file.open("r+b") as end:
            end.truncate(8 << 30)  # sparse: 8 GB of nothing
        assert main(["upscale", str(file), "-o", f"result.{kind.lower()}"]) == 0


def test_pixels_may_come_in_many_chunks(run: Upscale) -> None:
    png = encoded("PNG")
    start = png.index(b"IDAT") - 4
    length = struct.unpack(">I", png[start : start + 4])[0]
    data = png[start + 8 : start + 8 + length]
    pieces = b"".join(
        struct.pack(">I5sI", 1, part, zlib.crc32(part))
        for part in (b"IDAT" + data[place : place + 1] for place in range(length))
    )
    content = png[:start] + pieces + png[start + 12 + length :]
    assert run("photo.png", content=content) == (0, "photo.png")
    assert same_picture("photo.png")


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize(
    ("channels", "extra", "photometric"),
    [
        (2, ["unassalpha"], "minisblack"),
        (3, [], "rgb"),
        (4, ["unassalpha"], "rgb"),
        (4, [], "separated"),
    ],
)
def test_a_tiff_gives_its_own_picture_or_none(
    run: Upscale, planar: str, dtype: Any, channels: int, extra: list[str], photometric: str
) -> None:
    top = np.iinfo(dtype).max
    levels = np.linspace(top // 4, top // 2, channels).astype(dtype)
    image = np.broadcast_to(levels, (24, 32, channels))
    content = tiff_of(
        np.ascontiguousarray(np.moveaxis(image, 2, 0) if planar == "separate" else image),
        photometric=photometric,
        planarconfig=planar,
        extrasamples=extra or None,
        compression="deflate",
    )
    status, _ = run("photo.tif", content=content)
    if status == 0 and photometric != "separated":
        with Image.open("photo.tif") as result:
            scale = 257 if dtype == np.uint16 else 1
            assert np.abs(np.asarray(result)[20, 20] - levels / scale).max() <= 2
    is_common = np.dtype(dtype) == np.uint8 and planar == "contig"
    assert status == 0 or not is_common


@pytest.mark.parametrize("samples", [5, 60])
def test_warnings_of_libraries_do_not_appear(run: Upscale, samples: int) -> None:
    tiff = tiff_of(np.zeros((24, 32, samples), np.uint8), photometric="rgb", planarconfig="contig")
    run("photo.tif", content=tiff)  # which fails if there is more than one line
