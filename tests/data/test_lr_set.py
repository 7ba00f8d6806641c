import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from srcnn.data import lr_set as degradation
from srcnn.data.archives import Archive, Images
from srcnn.data.hr_set import write_hr
from srcnn.data.lr_set import official_images, write_lr
from srcnn.data.sources import Photo
from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.resize import imresize

OneLine = Callable[[Any], str]


def lr_archive(folder: Path, split: Literal["train", "val"], pictures: dict[str, RGB8]) -> Images:
    """A zip file of official LR images."""
    path = folder / f"{split}.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, picture in pictures.items():
            png = io.BytesIO()
            Image.fromarray(picture).save(png, "PNG")
            file.writestr(name, png.getvalue())
    archive = Archive(
        url=f"https://example.org/{split}.zip",
        bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        split=split,
        scale=2,
        images=len(pictures),
        unpacked_bytes=10**6,
    )
    return Images(archive, path)


@pytest.fixture
def hr(tmp_path: Path, photos: list[Photo]) -> Path:
    """The folder of five HR images."""
    write_hr(photos, tmp_path / "hr", 4)
    return tmp_path / "hr"


@pytest.fixture
def official_pictures(hr: Path, photos: list[Photo]) -> dict[str, RGB8]:
    """The official LR images by name: photo0x2.png …"""
    pictures = {}
    for number, photo in enumerate(photos, start=1):
        image = read_rgb(hr / photo.split / f"{number:04d}.png")
        pictures[f"{Path(photo.name).stem}x2.png"] = imresize(image, 1 / 2)
    return pictures


def archives(folder: Path, pictures: dict[str, RGB8]) -> list[Images]:
    """The pictures in one archive for train, photo0 … photo2, and one for val."""
    names = list(pictures)
    return [
        lr_archive(folder, "train", {name: pictures[name] for name in names[:3]}),
        lr_archive(folder, "val", {name: pictures[name] for name in names[3:]}),
    ]


def test_every_image_is_degraded_and_named_as_in_div2k(tmp_path: Path, hr: Path) -> None:
    write_lr(hr, tmp_path / "lr/x2", 2)
    made = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("lr/x2/*/*"))
    assert made == [
        "lr/x2/train/0001x2.png",
        "lr/x2/train/0002x2.png",
        "lr/x2/train/0003x2.png",
        "lr/x2/val/0004x2.png",
        "lr/x2/val/0005x2.png",
    ]
    for file in hr.glob("*/*.png"):
        image = read_rgb(file)
        lr = read_rgb(tmp_path / "lr/x2" / file.parent.name / f"{file.stem}x2.png")
        np.testing.assert_array_equal(lr, imresize(image, 1 / 2))


def test_a_duplicate_image_is_degraded_twice(tmp_path: Path, photos: list[Photo]) -> None:
    write_hr([photos[0], photos[0], photos[3]], tmp_path / "hr", 4)
    write_lr(tmp_path / "hr", tmp_path / "lr", 2)
    first, second = ((tmp_path / f"lr/train/000{i}x2.png").read_bytes() for i in (1, 2))
    assert first == second


def test_images_finished_before_an_error_are_not_made_again(
    tmp_path: Path, hr: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = hr / "val/0005.png"
    content = last.read_bytes()
    last.write_bytes(content[:100])
    with pytest.raises(InputError, match=r"0005\.png"):
        write_lr(hr, tmp_path / "lr", 2)
    assert not (tmp_path / "lr").exists()
    last.write_bytes(content)
    done = []

    def resize(image: RGB8, scale: float) -> RGB8:
        done.append(image.shape)
        return imresize(image, scale)

    monkeypatch.setattr(degradation, "imresize", resize)
    write_lr(hr, tmp_path / "lr", 2)
    assert len(done) == 1
    assert len(list(tmp_path.glob("lr/*/*.png"))) == 5


def test_lr_images_that_equal_the_official_ones_are_counted(
    tmp_path: Path,
    hr: Path,
    official_pictures: dict[str, RGB8],
    capsys: pytest.CaptureFixture[str],
) -> None:
    official = official_images(hr / "index.csv", archives(tmp_path, official_pictures), 2)
    write_lr(hr, tmp_path / "lr", 2, official)
    expected = "5 of 5 LR images ×2 equal the official ones in every value"
    assert expected in capsys.readouterr().out
    assert len(list(tmp_path.glob("lr/*/*.png"))) == 5


def test_an_lr_image_that_differs_in_one_value_is_named_every_time(
    tmp_path: Path, hr: Path, official_pictures: dict[str, RGB8], one_line: OneLine
) -> None:
    official_pictures["photo3x2.png"][2, 3, 1] ^= 4
    official = official_images(hr / "index.csv", archives(tmp_path, official_pictures), 2)
    for _ in range(2):  # the second time the images are found finished
        with pytest.raises(InputError) as caught:
            write_lr(hr, tmp_path / "lr", 2, official)
        message = one_line(caught)
        assert "4 of 5 LR images ×2 equal the official ones" in message
        assert "photo3x2.png" in message
        assert "by up to 4" in message
        assert "data.lr: generate" in message
        assert not (tmp_path / "lr").exists()


def test_an_official_image_of_another_size_is_explained_by_cropping(
    tmp_path: Path, hr: Path, official_pictures: dict[str, RGB8], one_line: OneLine
) -> None:
    official_pictures["photo0x2.png"] = np.zeros((11, 15, 3), np.uint8)
    official = official_images(hr / "index.csv", archives(tmp_path, official_pictures), 2)
    with pytest.raises(InputError) as caught:
        write_lr(hr, tmp_path / "lr", 2, official)
    assert "photo0x2.png has 15×11 pixels, ours 14×10" in one_line(caught)


def test_an_image_without_an_official_one_is_named(
    tmp_path: Path, hr: Path, official_pictures: dict[str, RGB8], one_line: OneLine
) -> None:
    del official_pictures["photo4x2.png"]
    with pytest.raises(InputError) as caught:
        official_images(hr / "index.csv", archives(tmp_path, official_pictures), 2)
    assert "photo4x2.png" in one_line(caught)
    assert "photo4.png" in one_line(caught)
