"""`srcnn upscale` on damaged image files."""

import io
import os
import struct
import time
import zlib
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from srcnn.cli.program import main
from srcnn.images.image_io import RGB8

if TYPE_CHECKING:  # it imports torch, and the memory of this module's process is measured
    from tests.conftest import Picture

SECONDS = 20
MEMORY = 10**9


def write_originals(folder: Path, image: RGB8) -> list[Path]:
    """A small picture in many kinds of file."""
    picture = Image.fromarray(image)
    grey = picture.convert("L")
    kinds: dict[str, Image.Image] = {
        "rgb.png": picture,
        "rgb.jpg": picture,
        "rgb.webp": picture,
        "rgb.tiff": picture,
        "rgb.bmp": picture,
        "rgb.avif": picture,
        "palette.png": picture.convert("P", palette=Image.Palette.ADAPTIVE),
        "alpha.png": picture.convert("RGBA"),
        "alpha.webp": picture.convert("RGBA"),
        "alpha.avif": picture.convert("RGBA"),
        "cmyk.jpg": picture.convert("CMYK"),
        "deep.png": Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
        "grey.tif": grey,
        "grey.avif": grey,
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
    picture.save(folder / "jpeg.tif", compression="jpeg")
    picture.save(folder / "progressive.jpg", progressive=True, quality=80)
    picture.save(folder / "lossless.webp", lossless=True)
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


@dataclass
class Outcome:
    """What `srcnn upscale` did with a damaged file."""

    number: int
    status: int
    lines: list[str]  # on both streams, and what libraries wrote past them
    seconds: float


def upscale_damaged(folder: Path, originals: list[Path], count: int) -> tuple[list[Outcome], int]:
    """Damage files and upscale them; returns the outcomes, and the process's peak memory."""
    os.chdir(folder)
    random, outcomes = np.random.default_rng(0), []
    for number in range(count):
        file = originals[number % len(originals)]
        other = str(random.choice([".png", ".jpg", ".tif", ".webp", ".avif"]))
        damaged = Path(f"damaged{file.suffix if number % 5 else other}")
        damaged.write_bytes(mutated(file.read_bytes(), random))
        start, said = time.monotonic(), io.StringIO()
        with Path("descriptors").open("w+b") as raw:
            kept = [os.dup(stream) for stream in (1, 2)]
            for stream in (1, 2):
                os.dup2(raw.fileno(), stream)
            with redirect_stdout(said), redirect_stderr(said):
                status = main(["upscale", str(damaged), "-o", "out", "--force"])
            for stream, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, stream)
                os.close(copy)
            raw.seek(0)
            lines = said.getvalue().splitlines() + raw.read().decode(errors="replace").splitlines()
        outcomes.append(Outcome(number, status, lines, time.monotonic() - start))
    memory = Path("/proc/self/status").read_text()  # ru_maxrss would include the parent's
    return outcomes, 1024 * int(memory.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize(
    "count",
    [pytest.param(300, marks=pytest.mark.slow), pytest.param(4000, marks=pytest.mark.long)],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, picture: "Picture", count: int) -> None:
    (tmp_path / "good").mkdir()
    originals = write_originals(tmp_path / "good", picture(24, 31))
    with get_context("spawn").Pool(1) as process:  # of its own, to measure its memory
        outcomes, memory = process.apply(upscale_damaged, (tmp_path, originals, count))
    for outcome in outcomes:
        assert len(outcome.lines) == 1, outcome
        assert outcome.lines[0].isprintable()
        start = "error: damaged" if outcome.status else "out/damaged"
        assert outcome.lines[0].startswith(start), outcome
        assert "()" not in outcome.lines[0]
        assert outcome.seconds < SECONDS, outcome
    failed = sum(outcome.status for outcome in outcomes)
    assert count / 20 < failed < count * 19 / 20, "the damage is not of both kinds"
    assert not [file for file in (tmp_path / "out").iterdir() if file.name.endswith(".tmp")]
    assert memory < MEMORY
