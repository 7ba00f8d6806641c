import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from srcnn.data.archives import Archive, Images, fetch_archives, read_manifest
from srcnn.errors import InputError
from tests.server import Server

OneLine = Callable[[Any], str]


def png(value: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (value, 0, 0)).save(file, "PNG")
    return file.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def archive_of(content: bytes, **changes: Any) -> Archive:
    facts: dict[str, Any] = {
        "url": "https://example.org/sets/set.zip",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "split": "train",
        "images": 2,
        "unpacked_bytes": 10_000,
    }
    return Archive(**(facts | changes))


def opened(at: Path, files: Mapping[str, bytes], **changes: Any) -> Images:
    content = zipped(files)
    (at / "set.zip").write_bytes(content)
    return Images(archive_of(content, **changes), at / "set.zip")


def test_the_images_of_a_folder_in_an_archive_are_read_in_order_of_their_names(
    tmp_path: Path,
) -> None:
    files = {
        "set/0002.png": png(2),
        "set/0001.png": png(1),
        "set/readme.txt": b"words",
        "set/": b"",
        "other/0003.png": png(3),
        "__MACOSX/set/._0001.png": b"what macOS adds",
        "set/.hidden.png": b"",
    }
    images = opened(tmp_path, files, folder="set")
    assert list(images.entries) == ["0001.png", "0002.png"]
    assert images.read("0002.png") == png(2)


def test_an_archive_without_a_folder_is_used_completely(tmp_path: Path) -> None:
    images = opened(tmp_path, {"a.png": png(1), "more/b.JPG": png(2), "__MACOSX/._a.png": b""})
    assert list(images.entries) == ["a.png", "more/b.JPG"]


def test_a_name_that_leads_out_of_the_archive_is_not_used_as_a_path(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    images = opened(inside, {"a/../../evil.png": png(1), "/root.png": png(2)}, images=1)
    assert {name: images.read(name) for name in images.entries} == {"/root.png": png(2)}
    assert list(tmp_path.iterdir()) == [inside]


@pytest.mark.parametrize("count", [1, 3])
def test_an_archive_with_another_number_of_images_is_refused(
    tmp_path: Path, one_line: OneLine, count: int
) -> None:
    with pytest.raises(InputError) as caught:
        opened(tmp_path, {"a.png": png(1), "b.png": png(2)}, images=count)
    assert "set.zip" in one_line(caught)
    assert f"2 images; the manifest says {count}" in one_line(caught)


def test_an_archive_bomb_is_refused_before_anything_is_unpacked(
    tmp_path: Path, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        opened(tmp_path, {"a.png": bytes(10_000_000), "b.png": png()})
    assert "unpacked_bytes allows 10000" in one_line(caught)


def test_an_image_larger_than_its_entry_states_is_refused(
    tmp_path: Path, one_line: OneLine
) -> None:
    content = zipped({"a.png": bytes(5_000_000), "b.png": png()})
    lie = content.replace((5_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    (tmp_path / "set.zip").write_bytes(lie)
    images = Images(archive_of(lie), tmp_path / "set.zip")
    with pytest.raises(InputError) as caught:
        images.read("a.png")
    assert "a.png" in one_line(caught)


def test_a_duplicate_image_in_an_archive_is_refused(tmp_path: Path, one_line: OneLine) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", png(1))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", png(2))
    (tmp_path / "set.zip").write_bytes(file.getvalue())
    with pytest.raises(InputError) as caught:
        Images(archive_of(file.getvalue()), tmp_path / "set.zip")
    assert "several images have the same name" in one_line(caught)


def test_damage_inside_an_archive_is_named(tmp_path: Path, one_line: OneLine) -> None:
    images = opened(tmp_path, {"a.png": png(1), "b.png": png(2)})
    content = (tmp_path / "set.zip").read_bytes()
    at = content.index(b"a.png") + 20
    (tmp_path / "set.zip").write_bytes(content[:at] + b"?????" + content[at + 5 :])
    with pytest.raises(InputError) as caught:
        images.read("a.png")
    assert "set.zip" in one_line(caught)
    assert "a.png" in one_line(caught)


def test_a_file_that_is_not_a_zip_is_named(tmp_path: Path, one_line: OneLine) -> None:
    (tmp_path / "set.zip").write_bytes(b"words")
    with pytest.raises(InputError) as caught:
        Images(archive_of(b"words"), tmp_path / "set.zip")
    assert "set.zip" in one_line(caught)


def test_archives_come_from_the_base_url_where_one_is_set(server: Server, tmp_path: Path) -> None:
    content = zipped({"a.png": png(1), "b.png": png(2)})
    server.files["mirror/set.zip"] = content
    for slash in ("", "/"):
        (images,) = fetch_archives([archive_of(content)], f"{server.url}/mirror{slash}", tmp_path)
        assert images.read("a.png") == png(1)
    assert server.asked == [("mirror/set.zip", None)]


def test_archives_with_the_same_file_name_can_be_renamed(server: Server, tmp_path: Path) -> None:
    archives = []
    for split in ("train", "val"):
        content = zipped({f"{split}.png": png(1)})
        server.files[f"{split}/images.zip"] = content
        url = f"{server.url}/{split}/images.zip"
        archives.append(archive_of(content, url=url, name=f"{split}.zip", images=1))
    train, val = fetch_archives(archives, None, tmp_path)
    assert [*train.entries, *val.entries] == ["train.png", "val.png"]


def test_archives_in_the_cache_need_no_network(tmp_path: Path) -> None:
    content = zipped({"a.png": png(1), "b.png": png(2)})
    (tmp_path / "set.zip").write_bytes(content)
    (images,) = fetch_archives([archive_of(content)], "http://127.0.0.1:9", tmp_path)
    assert images.path == tmp_path / "set.zip"


def test_an_archive_that_cannot_be_downloaded_is_named_with_advice(
    server: Server, tmp_path: Path, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        fetch_archives([archive_of(b"nothing")], server.url, tmp_path)
    message = one_line(caught)
    assert f"{server.url}/set.zip" in message
    assert f"data.cache_dir ({tmp_path})" in message
    assert "data.base_url" in message


def test_a_full_cache_disk_is_reported_before_any_download(
    server: Server, tmp_path: Path, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        fetch_archives([archive_of(b"", bytes=10**18)], server.url, tmp_path / "cache")
    assert str(tmp_path / "cache") in one_line(caught)
    assert "data.cache_dir" in one_line(caught)
    assert server.asked == []


def test_div2k_is_listed_as_published(project: Path) -> None:
    archives = read_manifest(project / "datasets/div2k.yaml").archives
    hr = {archive.split: archive for archive in archives if archive.scale is None}
    assert (hr["train"].bytes, hr["train"].images) == (3_530_603_713, 800)
    assert (hr["val"].bytes, hr["val"].images) == (448_993_893, 100)
    assert hr["val"].sha256 == "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc"
    for scale in (2, 3, 4):
        assert sorted(a.split for a in archives if a.scale == scale) == ["train", "val"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"url": "ftp://example.org/set.zip"}, "url"),
        ({"url": "https://example.org/set.tar"}, "url"),
        ({"sha256": "abc"}, "sha256"),
        ({"sha256": None}, "archives.0.sha256: missing"),
        ({"split": "test"}, "split"),
        ({"images": 0}, "images"),
        ({"pages": 3}, "pages: unknown setting"),
    ],
)
def test_a_wrong_manifest_is_refused_with_what_is_wrong(
    tmp_path: Path, one_line: OneLine, change: dict[str, Any], named: str
) -> None:
    entry = archive_of(b"content").model_dump(exclude_none=True) | change
    path = tmp_path / "set.yaml"
    path.write_text(yaml.safe_dump({"archives": [entry]}))
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    assert str(path) in one_line(caught)
    assert named in one_line(caught)


@pytest.mark.parametrize(
    ("archives", "message"),
    [
        ([], "archives: none holds the HR images of split: train"),
        ([{"split": "train"}], "archives: none holds the HR images of split: val"),
        ([{"split": "train"}, {"split": "val", "scale": 2}], "the HR images of split: val"),
        (
            [{"split": "train"}, {"split": "val", "sha256": "0" * 64}],
            "two files are called set.zip",
        ),
    ],
)
def test_a_manifest_that_is_not_a_data_set_is_refused(
    tmp_path: Path, one_line: OneLine, archives: list[dict[str, Any]], message: str
) -> None:
    entries = [archive_of(b"", bytes=1, **a).model_dump(exclude_none=True) for a in archives]
    (tmp_path / "set.yaml").write_text(yaml.safe_dump({"archives": entries}))
    with pytest.raises(InputError) as caught:
        read_manifest(tmp_path / "set.yaml")
    assert one_line(caught).startswith(f"{tmp_path / 'set.yaml'}: ")
    assert message in one_line(caught)


def test_a_manifest_may_take_both_splits_from_one_archive(tmp_path: Path) -> None:
    entries = [
        archive_of(b"", bytes=1, split=split, folder=split).model_dump(exclude_none=True)
        for split in ("train", "val")
    ]
    (tmp_path / "set.yaml").write_text(yaml.safe_dump({"archives": entries}))
    assert [archive.folder for archive in read_manifest(tmp_path / "set.yaml").archives] == [
        "train",
        "val",
    ]


def test_a_missing_manifest_is_named_with_its_setting(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_manifest(tmp_path / "none.yaml")
    expected = f"{tmp_path / 'none.yaml'}: no such file (data.manifest names it)"
    assert one_line(caught) == expected


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_an_image_that_would_unpack_without_a_limit_is_refused(
    tmp_path: Path, one_line: OneLine, method: int
) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w", method) as file:
        file.writestr("a.png", bytes(10_000))
    with pytest.raises(InputError) as caught:
        Images(archive_of(b"", bytes=1, images=1), tmp_path / "set.zip")
    assert "not stored or deflated" in one_line(caught)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\xc3\xa9.png", b"\xff\xff.png"),  # a name that is not UTF-8, as its flag says
        (b"PK\1\2", b"PK\1\3"),
        (b"PK\5\6", b"PK\6\7"),
    ],
    ids=["a name", "the directory", "its end"],
)
def test_a_damaged_list_of_names_is_one_line(
    tmp_path: Path, one_line: OneLine, old: bytes, new: bytes
) -> None:
    content = zipped({"é.png": png(1), "b.png": png(2)}).replace(old, new)
    (tmp_path / "set.zip").write_bytes(content)
    with pytest.raises(InputError) as caught:
        Images(archive_of(content), tmp_path / "set.zip")
    assert one_line(caught).startswith(f"{tmp_path / 'set.zip'}: cannot be read as a zip file (")
