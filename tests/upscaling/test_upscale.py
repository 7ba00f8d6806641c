"""`srcnn upscale` and `srcnn.upscale`, through the front door."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

import srcnn
from srcnn.cli.program import main
from srcnn.errors import InputError
from srcnn.images.decode import decode
from srcnn.images.image_io import RGB8
from srcnn.models.model_files import make_model, save_model
from srcnn.upscaling.png_writer import write_png_strips
from srcnn.upscaling.released_networks import FOLDER, load, read_network

Picture = Callable[..., RGB8]
Capture = pytest.CaptureFixture[str]

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photo(picture: Picture) -> Image.Image:
    return Image.fromarray(picture(20, 30))


def exif_of(orientation: int = 6, make: str = "Größe") -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = make.encode()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:01:02 03:04:05"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] = 30
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return exif


@pytest.mark.parametrize("scale", [2, 4])
def test_a_photograph_is_upscaled_beside_the_original(
    photo: Image.Image, scale: int, capsys: Capture
) -> None:
    photo.save("photo.jpg", quality=95)
    assert main(["upscale", "photo.jpg", "--scale", str(scale)]) == 0
    assert capsys.readouterr().out == f"photo_x{scale}.jpg\n"
    with Image.open(f"photo_x{scale}.jpg") as result:
        assert (result.format, result.mode, result.size) == (
            "JPEG",
            "RGB",
            (30 * scale, 20 * scale),
        )
        smaller = np.asarray(result.resize(photo.size, Image.Resampling.BOX)).astype(float)
    assert np.abs(smaller - np.asarray(photo)).mean() < 12


@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "PNG"])
def test_every_format_is_kept(photo: Image.Image, suffix: str) -> None:
    photo.save(f"Größe 1.{suffix}")
    assert main(["upscale", f"Größe 1.{suffix}", "-o", "out"]) == 0
    with Image.open(f"Größe 1.{suffix}") as before, Image.open(f"out/Größe 1.{suffix}") as after:
        assert after.format == before.format
        assert after.size == (60, 40)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff", "bmp"])
def test_another_format_can_be_chosen(photo: Image.Image, kind: str) -> None:
    photo.save("photo.bmp")
    assert main(["upscale", "photo.bmp", "-o", "out", "--format", kind]) == 0
    (result,) = Path("out").iterdir()
    with Image.open(result) as image:
        assert image.format == kind.upper()


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_profile_and_exif_data_are_kept_and_the_image_is_upright(
    photo: Image.Image, suffix: str
) -> None:
    make = "Maker" if suffix == "tiff" else "Größe"  # into a TIFF Pillow writes ASCII alone
    photo.save(f"photo.{suffix}", exif=exif_of(make=make).tobytes(), icc_profile=PROFILE)
    assert main(["upscale", f"photo.{suffix}", "-o", f"result.{suffix}"]) == 0
    with Image.open(f"result.{suffix}") as image:
        image.load()
        exif = image.getexif()
        assert image.size == (40, 60)
        assert image.info["icc_profile"] == PROFILE
        assert exif.get(ExifTags.Base.Orientation, 1) == 1
        assert exif[ExifTags.Base.Make].encode("latin-1").decode() == make
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        assert inner[ExifTags.Base.DateTimeOriginal] == "2024:01:02 03:04:05"
        assert ExifTags.Base.ExifImageWidth not in inner
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


@pytest.mark.parametrize(
    ("before", "after"),
    [("L", "L"), ("LA", "LA"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("P", "RGB"), ("1", "L")],
)
def test_the_kind_of_colour_is_kept(photo: Image.Image, before: str, after: str) -> None:
    photo.convert(before).save("photo.png")
    assert main(["upscale", "photo.png"]) == 0
    with Image.open("photo_x2.png") as image:
        assert image.mode == after


def test_conversions_are_printed(photo: Image.Image, capsys: Capture) -> None:
    photo.convert("CMYK").save("cmyk.jpg")
    photo.convert("RGBA").save("alpha.png")
    assert main(["upscale", "cmyk.jpg"]) == 0
    assert "CMYK converted to sRGB" in capsys.readouterr().out
    assert main(["upscale", "alpha.png", "--format", "jpeg"]) == 0
    assert "put on white" in capsys.readouterr().out
    with Image.open("cmyk_x2.jpg") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_stay_sixteen_bits(picture: Picture, channels: int, suffix: str) -> None:
    levels = np.dstack([picture(20, 30), picture(20, 30, 1)])[..., :channels].astype(np.uint16)
    levels = levels * 257 + 3
    with Path("deep.png").open("wb") as file:
        write_png_strips(file, (30, 20), [levels])
    if channels == 2 and suffix == "tif":
        pytest.skip("Pillow reads no TIFF of grey with alpha in 16 bits")
    kind = {"tif": "tiff"}.get(suffix, suffix)
    assert main(["upscale", "deep.png", "-o", f"big.{suffix}", "--format", kind]) == 0
    if suffix == "tif":
        result = np.asarray(tifffile.imread("big.tif"))
    else:
        with Path("big.png").open("rb") as file:
            result = np.asarray(decode(file).levels)
    assert result.shape[:2] == (40, 60)
    assert result.max() > 255
    assert (result % 257 != 3).any()


def test_folders_keep_their_structure(photo: Image.Image) -> None:
    for name in ("in/a.png", "in/deep/er/b.jpg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        photo.save(name)
    Path("in/notes.txt").write_text("none of it")
    assert main(["upscale", "in", "-o", "out"]) == 0
    found = sorted(str(path) for path in Path("out").rglob("*") if path.is_file())
    assert found == ["out/a.png", "out/deep/er/b.jpg"]


def test_a_quoted_pattern_is_expanded(photo: Image.Image) -> None:
    for name in ("a.png", "b.png", "c.jpg"):
        photo.save(name)
    assert main(["upscale", "*.png", "-o", "out"]) == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "b.png"]


def test_a_result_is_overwritten_only_with_force(photo: Image.Image, capsys: Capture) -> None:
    photo.save("photo.png")
    Path("photo_x2.png").write_bytes(b"precious")
    assert main(["upscale", "photo.png"]) == 1
    assert "photo_x2.png: exists; use --force to overwrite it" in capsys.readouterr().err
    assert Path("photo_x2.png").read_bytes() == b"precious"
    assert main(["upscale", "photo.png", "--force"]) == 0
    with Image.open("photo_x2.png") as image:
        assert image.size == (60, 40)


def test_the_original_is_never_overwritten(photo: Image.Image, capsys: Capture) -> None:
    photo.save("photo.png")
    before = Path("photo.png").read_bytes()
    assert main(["upscale", "photo.png", "-o", ".", "--force"]) == 1
    assert "would overwrite the original" in capsys.readouterr().err
    assert Path("photo.png").read_bytes() == before


def test_a_bad_file_is_named_and_the_rest_are_upscaled(photo: Image.Image, capsys: Capture) -> None:
    for name in ("a.png", "z.png"):
        photo.save(name)
    Path("bad.png").write_bytes(Path("a.png").read_bytes()[:100])
    photo.save("moving.webp", save_all=True, append_images=[photo.rotate(90)])
    inputs = ["a.png", "bad.png", "moving.webp", "gone.png", "z.png"]
    assert main(["upscale", *inputs, "-o", "out"]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4
    assert errors[0].startswith("error: bad.png: damaged or cut short")
    assert errors[1].startswith("error: moving.webp: an animation of 2 frames")
    assert errors[2] == "error: gone.png: no such file"
    assert errors[3] == "3 of 5 could not be upscaled"
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "z.png"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["none.txt"], "none.txt: no such file or folder"),
        (["none_folder/"], "none_folder: no such file or folder"),
        (["words.txt"], "words.txt: unknown image format (known: .png, .jpg,"),
        (["none*.png"], "none*.png: matches no images"),
        (["a.png", "--strength", "1.5"], "strength 1.5 is not between 0 and 1"),
        (["a.png", "--model", "none.safetensors"], "none.safetensors: no such model"),
        (["a.png", "--model", "a.png"], "a.png: damaged, or not a safetensors file"),
        (["a.png", "--model", "m", "--strength", "0"], "--strength mixes the released networks"),
    ],
)
def test_a_bad_input_or_option_is_one_line(
    photo: Image.Image, capsys: Capture, options: list[str], says: str
) -> None:
    photo.save("a.png")
    Path("words.txt").write_text("words")
    assert main(["upscale", *options]) == 1
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


def test_a_format_that_cannot_hold_the_result_is_refused_before_the_work(capsys: Capture) -> None:
    Image.new("L", (9000, 1)).save("wide.png")
    assert main(["upscale", "wide.png", "--format", "webp"]) == 1
    assert "18000×2 pixels, but webp allows 16383 per side" in capsys.readouterr().err
    assert not Path("wide_x2.webp").exists()


def test_a_bomb_is_refused_unless_large_images_are_allowed(
    photo: Image.Image, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo.save("photo.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert main(["upscale", "photo.png"]) == 1
    assert "--allow-large" in capsys.readouterr().err
    assert main(["upscale", "photo.png", "--allow-large"]) == 0


def test_another_network_can_be_used(photo: Image.Image) -> None:
    shutil.copy(FOLDER / "x4/mse.safetensors", "mine.safetensors")
    photo.save("photo.png")
    assert main(["upscale", "photo.png", "--model", "mine.safetensors"]) == 0
    assert main(["upscale", "photo.png", "--scale", "4", "--strength", "0", "-o", "b.png"]) == 0
    assert Path("photo_x4.png").read_bytes() == Path("b.png").read_bytes()


def test_strength_goes_from_one_network_s_result_to_the_other_s(photo: Image.Image) -> None:
    lr = np.asarray(photo).astype(np.uint16) * 257
    for scale in (2, 4):
        ends = [load(scale, strength)(lr).astype(float) for strength in (0, 1)]
        assert np.abs(ends[0] - ends[1]).max() > 257
        for strength in (0.0, 0.25, 0.9, 1.0):
            mixed = (1 - strength) * ends[0] + strength * ends[1]
            inside = (ends[0] % 65535 != 0) & (ends[1] % 65535 != 0)  # and not clipped
            result = load(scale, strength)(lr)
            assert np.abs(result - mixed)[inside].max() <= 1.5


def test_arrays_pillow_images_and_paths_are_upscaled_alike(
    photo: Image.Image, picture: Picture
) -> None:
    photo.save("photo.png")
    model = srcnn.load(scale=4)
    of_path = srcnn.upscale("photo.png", model)
    of_image, of_array = srcnn.upscale(photo, model), srcnn.upscale(np.asarray(photo), model)
    assert of_path.size == of_image.size == (120, 80)
    np.testing.assert_array_equal(np.asarray(of_path), of_array)
    np.testing.assert_array_equal(np.asarray(of_image), of_array)
    grey = srcnn.upscale(picture(9, 7)[..., 0].astype(np.uint16) * 257)
    assert grey.shape == (18, 14)
    assert grey.dtype == np.uint16


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4), np.float32), np.zeros((4, 4, 5), np.uint8), np.zeros((0, 4), np.uint8)],
)
def test_an_array_of_another_dtype_or_shape_is_a_type_error(array: Any) -> None:
    with pytest.raises(TypeError):
        srcnn.upscale(array)


def test_a_network_is_loaded_for_its_own_scale_only() -> None:
    with pytest.raises(InputError, match="no released network for scale 3; there are 2, 4"):
        load(3)


def test_a_missing_file_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"none\.png: no such file"):
        srcnn.upscale("none.png")


def test_earlier_results_are_skipped(photo: Image.Image) -> None:
    Path("in").mkdir()
    photo.save("in/a.png")
    photo.save("in/b_x2.png")  # whose original is not here
    for _ in range(2):
        assert main(["upscale", "in", "--force"]) == 0
        assert main(["upscale", "in", "-o", "in/large", "--force"]) == 0
    found = sorted(str(path) for path in Path("in").rglob("*.png"))
    in_large = ["in/large/a.png", "in/large/a_x2.png", "in/large/b_x2.png", "in/large/b_x2_x2.png"]
    assert found == ["in/a.png", "in/a_x2.png", "in/b_x2.png", "in/b_x2_x2.png", *in_large]


def test_inputs_without_file_or_target_do_not_stop_the_rest(
    photo: Image.Image, capsys: Capture
) -> None:
    for name in ("a.png", "a.bmp", "b.png"):
        photo.save(name)
    Path("c.gif").touch()
    Path("empty").mkdir()
    words = ["a.png", "a.bmp", "c.gif", "nothing*.png", "empty", "b.png", "-o", "out"]
    assert main(["upscale", *words, "--format", "webp"]) == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.webp", "b.webp"]
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 5
    assert errors[-1] == "4 of 6 could not be upscaled"
    assert "error: a.bmp: out/a.webp is already the result of a.png" in errors


def test_one_output_name_is_for_one_image_and_its_format(
    photo: Image.Image, capsys: Capture
) -> None:
    photo.save("a.png")
    photo.save("b.png")
    assert main(["upscale", "a.png", "b.png", "-o", "both.png"]) == 1
    assert "both.png: one file name for 2 images" in capsys.readouterr().err
    assert main(["upscale", "a.png", "-o", "a.jpg", "--format", "png"]) == 1
    assert "a.jpg: the suffix does not match --format png" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a.gif", "a.HEIC", "a.mpo"])
def test_an_output_is_not_named_like_an_image_that_cannot_be_written(
    photo: Image.Image, capsys: Capture, name: str
) -> None:
    photo.save("a.png")
    assert main(["upscale", "a.png", "-o", name]) == 1
    assert capsys.readouterr().err.startswith(f"error: {name}: unknown image format (known: .png,")
    assert not Path(name).exists()
    Path(name).mkdir()
    assert main(["upscale", "a.png", "-o", name]) == 0
    assert main(["upscale", "a.png", "-o", "version.2"]) == 0


def test_alpha_is_put_on_white_in_a_bmp_and_reported(photo: Image.Image, capsys: Capture) -> None:
    photo.putalpha(0)
    photo.save("clear.png")
    assert main(["upscale", "clear.png", "--format", "bmp"]) == 0
    assert "put on white" in capsys.readouterr().out
    with Image.open("clear_x2.bmp") as image:
        assert (image.mode, image.getextrema()) == ("RGB", ((255, 255),) * 3)


def test_colour_chunks_of_a_png_are_kept_or_reported(photo: Image.Image, capsys: Capture) -> None:
    about = PngInfo()
    about.add(b"gAMA", (100_000).to_bytes(4, "big"))
    photo.save("linear.png", pnginfo=about)
    assert main(["upscale", "linear.png"]) == 0
    with Image.open("linear_x2.png") as image:
        assert image.info["gamma"] == 1
    assert main(["upscale", "linear.png", "--format", "tiff"]) == 0
    assert "PNG colour chunks dropped" in capsys.readouterr().out


def test_cmyk_of_pillow_s_is_converted(photo: Image.Image) -> None:
    result = srcnn.upscale(photo.convert("CMYK"))
    expected = srcnn.upscale(photo.convert("CMYK").convert("RGB"))
    assert result.mode == "RGB"
    assert np.abs(np.asarray(result).astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize(
    "about", ["[1]", '{"scale": 2}', '{"scale": 2.0, "upsampling": "bicubic"}']
)
def test_a_file_with_other_metadata_is_no_network(about: str, capsys: Capture) -> None:
    weights, _ = read_network(FOLDER / "x2/mse.safetensors")
    save_file(dict(weights), "odd.safetensors", {"srcnn": about})
    assert main(["upscale", "a.png", "--model", "odd.safetensors"]) == 1
    assert capsys.readouterr().err.startswith("error: odd.safetensors: not a ")


def test_a_network_of_the_authors_code_is_refused_in_one_line(
    one_line: Callable[[Any], str],
) -> None:
    save_model(make_model(4, "bicubic", "authors_view"), Path("theirs.safetensors"), {})
    with pytest.raises(InputError) as caught:
        load(model="theirs.safetensors")
    message = one_line(caught)
    assert message.startswith("theirs.safetensors: ")
    assert "model.code: authors_view" in message
