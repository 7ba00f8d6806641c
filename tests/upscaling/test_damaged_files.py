"""`srcnn upscale` on damaged image files; SRCNN_FUZZ=2200 tries more of them."""

import os
import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from srcnn.cli.program import main
from srcnn.images.image_io import RGB8
from tests.conftest import Picture

FILES = int(os.environ.get("SRCNN_FUZZ", "300"))
MEMORY = 2 * 2**30


def originals(folder: Path, image: RGB8) -> list[Path]:
    """A small picture in many kinds of file."""
    picture = Image.fromarray(image)
    grey = picture.convert("L")
    kinds: dict[str, Image.Image] = {
        "rgb.png": picture,
        "rgb.jpg": picture,
        "rgb.webp": picture,
        "rgb.tiff": picture,
        "rgb.bmp": picture,
        "palette.png": picture.convert("P", palette=Image.Palette.ADAPTIVE),
        "alpha.png": picture.convert("RGBA"),
        "cmyk.jpg": picture.convert("CMYK"),
        "deep.png": Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
        "grey.tif": grey,
        "one bit.bmp": picture.convert("1"),
    }
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.25
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 30.5)
    for name, kind in kinds.items():
        about: dict[str, Any] = {"exif": exif} if name.startswith("rgb.") else {}
        kind.save(folder / name, **about)
    picture.save(folder / "packed.tif", compression="tiff_lzw")
    picture.save(folder / "progressive.jpg", progressive=True, quality=80)
    return sorted(folder.iterdir())


def huge(file: bytes, random: np.random.Generator) -> bytes:
    """A PNG whose header tells of another size, with a checksum that is right."""
    size = struct.pack(">II", *random.integers(1, 2**31 - 1, 2).tolist())
    header = b"IHDR" + size + file[24:29]
    return file[:12] + header + struct.pack(">I", zlib.crc32(header)) + file[33:]


def mutated(file: bytes, random: np.random.Generator) -> bytes:
    """Cut short, a few bits or bytes changed, a piece removed, doubled, or of something else."""
    damaged = bytearray(file)
    start, end = sorted(random.integers(0, len(file) + 1, 2).tolist())
    match int(random.integers(7)):
        case 0:
            del damaged[start:]
        case 1:
            for _ in range(int(random.integers(1, 9))):
                damaged[int(random.integers(len(file)))] ^= 1 << int(random.integers(8))
        case 2:
            place = int(random.integers(min(len(file), 64)))
            damaged[place : place + 4] = random.bytes(4)
        case 3:
            del damaged[start : start + int(random.integers(1, 40))]
        case 4:
            damaged[start:start] = file[start:end]
        case 5:
            damaged[start:end] = random.bytes(end - start)
        case _:
            return huge(file, random) if file.startswith(b"\x89PNG") else file[::-1]
    return bytes(damaged)


@pytest.mark.slow
def test_a_damaged_file_is_one_line(
    tmp_path: Path,
    picture: Picture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    Path("good").mkdir()
    good = originals(Path("good"), picture(24, 31))
    outcomes = {0: 0, 1: 0}
    for number in range(FILES):
        file = good[number % len(good)]
        suffix = (
            file.suffix if number % 5 else str(random.choice([".png", ".jpg", ".tif", ".webp"]))
        )
        damaged = Path(f"damaged{suffix}")
        damaged.write_bytes(mutated(file.read_bytes(), random))
        status = main(["upscale", str(damaged), "-o", "out", "--force"])
        said = capsys.readouterr()
        lines = (said.out + said.err).splitlines()
        assert len(lines) == 1, (number, said)
        assert lines[0].isprintable()
        assert lines[0].startswith("error: damaged" if status else "out/damaged"), lines[0]
        outcomes[status] += 1
    assert min(outcomes.values()) > FILES / 20, "the damage is not of both kinds"
    assert not [file for file in Path("out").iterdir() if file.name.endswith(".tmp")]
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert used < MEMORY
