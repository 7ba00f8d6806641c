"""The stages fetch_data and degrade on a data set of archives that the cache already holds."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.resize import imresize
from srcnn.settings import Settings, read_settings
from srcnn.utils.yaml_files import read_yaml
from stages import degrade, fetch_data

Picture = Callable[..., RGB8]


def make_archive(folder: Path, split: str, scale: int | None, pictures: dict[str, RGB8]) -> Any:
    """Write a zip file of PNG images; return its entry in a manifest."""
    name = f"{split}{scale or ''}.zip"
    with zipfile.ZipFile(folder / name, "w") as file:
        for image, pixels in pictures.items():
            png = io.BytesIO()
            Image.fromarray(pixels).save(png, "PNG")
            file.writestr(image, png.getvalue())
    content = (folder / name).read_bytes()
    entry = {
        "url": f"https://example.org/{name}",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "split": split,
        "images": len(pictures),
        "unpacked_bytes": 10**7,
    }
    return entry | ({"scale": scale} if scale else {})


@pytest.fixture
def settings(
    tmp_path: Path, project: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Settings]:
    """A maker of settings for a data set of our own, with LR images at ×2 only."""
    monkeypatch.chdir(tmp_path)
    Path("cache").mkdir()
    entries = []
    for split, count in (("train", 2), ("val", 1)):
        hr = {f"{split}{i}.png": picture(72, 80, phase=i + len(split)) for i in range(count)}
        lr = {f"{Path(n).stem}x2.png": imresize(image, 1 / 2) for n, image in hr.items()}
        entries += [make_archive(Path("cache"), split, *each) for each in ((None, hr), (2, lr))]
    Path("mine.yaml").write_text(yaml.safe_dump({"archives": entries}))

    def make(**data: Any) -> Settings:
        params = read_yaml(project / "params.yaml")
        params["data"] |= {"manifest": "mine.yaml", "cache_dir": "cache"} | data
        Path("params.yaml").write_text(yaml.safe_dump(params))
        return read_settings()

    return make


@pytest.mark.parametrize("source", ["archives", "div2k"])
def test_any_manifest_gives_hr_and_checked_lr_images(
    settings: Callable[..., Settings], source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(source=source, lr="official")
    fetch_data.main(chosen)
    degrade.main(chosen, 2)
    printed = capsys.readouterr().out
    assert "images in data/hr: 2 train, 1 val" in printed
    assert "3 of 3 LR images ×2 equal the official ones in every value" in printed
    hr = read_rgb(Path("data/hr/val/0003.png"))
    lr = read_rgb(Path("data/lr/x2/val/0003x2.png"))
    np.testing.assert_array_equal(lr, imresize(hr, 1 / 2))


def test_images_set_aside_have_lr_images_and_are_compared_too(
    settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(source="archives", lr="official", select=1)
    fetch_data.main(chosen)
    degrade.main(chosen, 2)
    printed = capsys.readouterr().out
    assert "images in data/hr: 1 train, 1 select, 1 val" in printed
    assert "3 of 3 LR images ×2 equal the official ones" in printed
    assert [str(file) for file in sorted(Path("data").glob("*/**/select/*.png"))] == [
        "data/hr/select/0002.png",
        "data/lr/x2/select/0002x2.png",
    ]


def test_a_scale_without_official_images_is_named(settings: Callable[..., Settings]) -> None:
    chosen = settings(source="archives", lr="official")
    fetch_data.main(chosen)
    with pytest.raises(InputError, match=r"data.lr: official: mine.yaml lists no archive for ×4"):
        degrade.main(chosen, 4)
