import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from srcnn.errors import InputError
from srcnn.images.image_io import (
    RGB8,
    crop_to_multiple,
    image_size,
    read_photo,
    read_rgb,
    write_png,
)
from srcnn.utils.files import atomic_write
from tests.png_files import png_file, png_of

OneLine = Callable[[Any], str]
ORIENTATION = 274  # the EXIF tag


def pixels_and_conversion(path: Path) -> tuple[RGB8, str | None]:
    photo = read_photo(path)
    return photo.pixels, photo.conversion


@pytest.fixture
def colours() -> RGB8:
    """3 × 4 pixels of different colours."""
    return np.random.default_rng(0).permutation(256)[:36].astype(np.uint8).reshape(3, 4, 3)


def encoded(picture: RGB8, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind)
    return buffer.getvalue()


def test_an_rgb_image_is_read_unchanged(tmp_path: Path, colours: RGB8) -> None:
    Image.fromarray(colours).save(tmp_path / "a.png")
    image, kind = pixels_and_conversion(tmp_path / "a.png")
    np.testing.assert_array_equal(image, colours)
    assert image.dtype == np.uint8
    assert kind is None


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp", ".jpg"])
def test_a_grey_image_gets_three_equal_channels(tmp_path: Path, suffix: str) -> None:
    levels = np.full((8, 8), 77, np.uint8)
    path = tmp_path / f"a{suffix}"
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(levels).save(path, **options)
    image, kind = pixels_and_conversion(path)
    np.testing.assert_array_equal(image, np.full((8, 8, 3), 77))
    assert kind == (None if suffix == ".webp" else "grey")  # WebP has no grey images


@pytest.mark.parametrize(
    ("mode", "is_grey"),
    [("1", True), ("L", True), ("LA", True), ("I;16", True), ("P", False), ("RGB", False)],
)
def test_whether_an_image_is_grey_depends_on_how_it_is_stored(
    tmp_path: Path, mode: str, is_grey: bool
) -> None:
    Image.new(mode, (4, 4)).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert (photo.pixels == photo.pixels[..., :1]).all()
    assert photo.is_grey == is_grey


def test_an_image_with_alpha_is_shown_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0] = [(10, 20, 30, 255), (10, 20, 30, 0), (0, 0, 0, 51)]
    Image.fromarray(rgba).save(tmp_path / "a.png")
    image, kind = pixels_and_conversion(tmp_path / "a.png")
    np.testing.assert_array_equal(image[0], [(10, 20, 30), (255, 255, 255), (204, 204, 204)])
    assert kind == "RGBA"


def test_a_grey_image_with_alpha_is_shown_on_white(tmp_path: Path) -> None:
    picture = Image.new("LA", (2, 1), (90, 255))
    picture.putpixel((1, 0), (90, 0))
    picture.save(tmp_path / "a.png")
    image, kind = pixels_and_conversion(tmp_path / "a.png")
    np.testing.assert_array_equal(image[0], [(90, 90, 90), (255, 255, 255)])
    assert kind == "grey with alpha"


@pytest.mark.parametrize("transparent", [False, True])
def test_a_palette_image_gets_its_colours(tmp_path: Path, transparent: bool) -> None:
    picture = Image.new("P", (2, 1), 0)
    picture.putpalette([200, 30, 60, 1, 2, 3])
    picture.putpixel((1, 0), 1)
    options: dict[str, Any] = {"transparency": 1} if transparent else {}
    picture.save(tmp_path / "a.png", **options)
    image, kind = pixels_and_conversion(tmp_path / "a.png")
    second = (255, 255, 255) if transparent else (1, 2, 3)
    np.testing.assert_array_equal(image[0], [(200, 30, 60), second])
    assert kind == "palette"


def test_a_cmyk_jpeg_is_converted(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    image, kind = pixels_and_conversion(tmp_path / "a.jpg")
    np.testing.assert_allclose(image[4, 4], (255, 0, 0), atol=3)
    assert kind == "CMYK"


def test_a_black_and_white_image_is_converted(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    image, kind = pixels_and_conversion(tmp_path / "a.png")
    np.testing.assert_array_equal(image[0], [(255, 255, 255), (0, 0, 0)])
    assert kind == "black and white"


def test_a_colour_declared_transparent_is_shown_on_white_and_named(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2, 1), (200, 30, 60))
    picture.putpixel((1, 0), (1, 2, 3))
    picture.save(tmp_path / "a.png", transparency=(1, 2, 3))
    image, kind = pixels_and_conversion(tmp_path / "a.png")
    np.testing.assert_array_equal(image[0], [(200, 30, 60), (255, 255, 255)])
    assert kind is not None


# What each EXIF orientation asks for, in numpy's words.
UPRIGHT: dict[int, Callable[[RGB8], RGB8]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_an_image_is_turned_by_its_exif_orientation(
    tmp_path: Path, colours: RGB8, orientation: int, suffix: str
) -> None:
    options: dict[str, Any] = {"exif": exif_of(orientation)}
    if suffix == ".webp":
        options |= {"lossless": True, "exact": True}
    path = tmp_path / f"a{suffix}"
    Image.fromarray(colours).save(path, **options)
    upright = UPRIGHT[orientation](colours)
    np.testing.assert_array_equal(read_photo(path).pixels, upright)
    assert image_size(path) == upright.shape[1::-1]


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_jpeg_of_a_camera_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    halves = np.zeros((16, 32, 3), np.uint8)
    halves[:8, 16:] = 255  # white at the top right
    Image.fromarray(halves).save(tmp_path / "a.jpg", exif=exif_of(orientation))
    upright = UPRIGHT[orientation](halves)
    np.testing.assert_allclose(read_photo(tmp_path / "a.jpg").pixels, upright, atol=3)
    assert image_size(tmp_path / "a.jpg") == upright.shape[1::-1]


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_data_may_follow_the_pixels_of_a_png(colours: RGB8, orientation: int) -> None:
    body = exif_of(orientation).tobytes().removeprefix(b"Exif\0\0")
    file = png_file(colours, after=((b"eXIf", body),))
    upright = UPRIGHT[orientation](colours)
    np.testing.assert_array_equal(read_photo(file).pixels, upright)
    assert image_size(file) == upright.shape[1::-1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_the_size_is_known_without_decoding(picture: Callable[..., RGB8], kind: str) -> None:
    file = bytearray(encoded(picture(40, 50), kind))
    middle = slice(len(file) // 2, len(file) // 2 + 99)
    file[middle] = bytes(99)
    assert image_size(bytes(file)) == (50, 40)


def animation(kind: str) -> bytes:
    """A file with two images."""
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@pytest.mark.parametrize("read", [read_photo, image_size])
@pytest.mark.parametrize(
    ("kind", "what"),
    [("WEBP", "animation of 2 frames"), ("PNG", "animation of 2 frames"), ("TIFF", "2 pages")],
)
def test_a_file_of_several_pictures_is_refused(
    read: Callable[..., Any], kind: str, what: str, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read(animation(kind), "several.file")
    assert one_line(caught).startswith("several.file: ")
    assert what in one_line(caught)


def test_the_preview_in_a_jpeg_is_ignored() -> None:
    np.testing.assert_allclose(read_photo(animation("MPO")).pixels[0, 0], (255, 0, 0), atol=3)
    assert image_size(animation("MPO")) == (8, 8)


def test_the_thumbnail_in_a_tiff_is_ignored(colours: RGB8) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(colours, photometric="rgb")
        file.write(colours[:1, :1], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_photo(buffer.getvalue()).pixels, colours)


def test_a_photograph_can_be_a_path_bytes_or_an_open_file(tmp_path: Path, colours: RGB8) -> None:
    path = tmp_path / "a.png"
    write_png(path, colours)
    with path.open("rb") as file:
        file.seek(5)  # wherever it stands
        for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes()), file):
            photo = read_photo(source)
            np.testing.assert_array_equal(photo.pixels, colours)
            assert (photo.mode, photo.conversion, photo.ignored) == ("RGB", None, None)
            assert photo.plain_png
            assert image_size(source) == (4, 3)
        assert not file.closed


@pytest.mark.parametrize("read", [read_photo, read_rgb, image_size])
def test_messages_use_the_given_name(
    tmp_path: Path, read: Callable[..., Any], one_line: OneLine
) -> None:
    (tmp_path / "a.png").write_bytes(b"words")
    for source in (b"words", io.BytesIO(b"words"), tmp_path / "a.png"):
        with pytest.raises(InputError) as caught:
            read(source, "set.zip: a.png")
        assert one_line(caught).startswith("set.zip: a.png: ")
    with pytest.raises(InputError) as caught:
        read(b"words")
    assert one_line(caught).startswith("an image: ")


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
def test_an_unsupported_colour_mode_is_refused(mode: str, one_line: OneLine) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, "TIFF")
    with pytest.raises(InputError) as caught:
        read_photo(buffer.getvalue(), "odd.tif")
    assert one_line(caught) == (f"odd.tif: colour mode {mode} is not supported; save it as RGB")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_an_image_cut_short_is_named_in_one_line(
    tmp_path: Path, picture: Callable[..., RGB8], one_line: OneLine, kind: str, kept: float
) -> None:
    whole = encoded(picture(40, 50), kind)
    path = tmp_path / "cut.png"
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError) as caught:
        read_rgb(path)
    assert str(path) in one_line(caught)


@pytest.mark.parametrize("content", [b"", b"\n", b"These are words, no picture.\n" * 9, b"\0" * 99])
def test_a_file_that_is_not_an_image_is_named_in_one_line(
    tmp_path: Path, one_line: OneLine, content: bytes
) -> None:
    path = tmp_path / "words.png"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_rgb(path)
    assert str(path) in one_line(caught)


def test_a_tiff_with_a_damaged_directory_is_named_in_one_line(
    tmp_path: Path, colours: RGB8, one_line: OneLine
) -> None:
    damaged = bytearray(encoded(colours, "TIFF"))
    (directory,) = struct.unpack_from("<I", damaged, 4)
    (count,) = struct.unpack_from("<H", damaged, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from("<H", damaged, entry) == (273,):  # StripOffsets
            struct.pack_into("<H", damaged, entry + 2, 2)  # text in place of a number
    path = tmp_path / "damaged.tif"
    path.write_bytes(damaged)
    with pytest.raises(InputError) as caught:
        read_rgb(path)
    assert str(path) in one_line(caught)


def test_a_missing_image_is_named_in_one_line(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_rgb(tmp_path / "none.png")
    assert one_line(caught) == f"{tmp_path / 'none.png'}: no such file"


def test_a_file_is_named_as_it_is_spelled(tmp_path: Path) -> None:
    path = tmp_path / "two  spaces, a\u00a0hard one.png"
    path.write_bytes(b"words")
    with pytest.raises(InputError) as caught:
        read_rgb(path)
    assert str(path) in str(caught.value)


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, one_line: OneLine
) -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    path = tmp_path / "huge.png"
    path.write_bytes(png_of((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")))
    with pytest.raises(InputError) as caught:
        read_rgb(path)
    assert str(path) in one_line(caught)
    assert "pixels" in one_line(caught)


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new/folder/a.txt"
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent  # a rename is atomic within one file system
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


def write_half(path: Path, error: type[BaseException]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_nothing_behind(
    tmp_path: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        write_half(tmp_path / "a.txt", error)
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_fails_keeps_the_previous_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError):
        write_half(path, RuntimeError)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_and_not_written_in_place(tmp_path: Path) -> None:
    # An out of DVC may be a hard link into its cache.
    path, cache = tmp_path / "a.txt", tmp_path / "cached"
    cache.write_text("cached")
    path.hardlink_to(cache)
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert cache.read_text() == "cached"
    assert path.read_text() == "new"


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7), (1, 1, 3)])
def test_a_png_that_is_written_reads_back_the_same(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    write_png(tmp_path / "sub/a.png", image)
    read = read_rgb(tmp_path / "sub/a.png")
    np.testing.assert_array_equal(read, np.broadcast_to(image.reshape(*shape[:2], -1), read.shape))
    assert list((tmp_path / "sub").iterdir()) == [tmp_path / "sub/a.png"]


def test_the_same_png_has_the_same_bytes(tmp_path: Path, picture: Callable[..., RGB8]) -> None:
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name, picture(20, 30))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("shape", "multiple", "cropped"),
    [((7, 9), 4, (4, 8)), ((8, 12), 4, (8, 12)), ((3, 9), 4, (0, 8)), ((5, 6), 1, (5, 6))],
)
def test_an_image_is_cropped_at_the_bottom_and_right(
    picture: Callable[..., RGB8],
    shape: tuple[int, int],
    multiple: int,
    cropped: tuple[int, int],
) -> None:
    image = picture(*shape)
    result = crop_to_multiple(image, multiple)
    np.testing.assert_array_equal(result, image[: cropped[0], : cropped[1]])
