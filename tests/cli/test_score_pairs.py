from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srcnn.cli.score_pairs import find_pairs
from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, write_png
from srcnn.utils.text import printable

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]
Folders = Callable[..., tuple[Path, Path]]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """A maker of a folder of results and one of ground truth from names, all 40×40 and black."""

    def make(results: list[str], truth: list[str]) -> tuple[Path, Path]:
        for folder, names in (("sr", results), ("hr", truth)):
            (tmp_path / folder).mkdir()
            for name in names:
                write(tmp_path / folder / name, np.zeros((40, 40, 3), np.uint8))
        return tmp_path / "sr", tmp_path / "hr"

    return make


def write(path: Path, image: RGB8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def paired(folders: tuple[Path, Path], scale: int = 2) -> dict[str, str]:
    """Name of the ground truth → path of the result."""
    sr, hr = folders
    return {
        pair.name: str(pair.sr.relative_to(sr))
        for pair in find_pairs(sr, hr, scale)
        if pair.hr.relative_to(hr).with_suffix("") == Path(pair.name)
    }


@pytest.mark.parametrize(
    "result",
    [
        "img.png",
        "img.bmp",
        "img.JPG",
        "img_x2.png",
        "imgx2.webp",
        "img_EDSR_x2.png",
        "img_EDSR_L_64_x2.tif",
    ],
)
def test_the_usual_names_of_results_are_found(folders: Folders, result: str) -> None:
    assert paired(folders([result], ["img.png"])) == {"img": result}


@pytest.mark.parametrize(
    "result", ["img_x4.png", "imgx4.png", "img_EDSR.png", "image.png", "x2.png", "other/img.png"]
)
def test_another_name_is_refused_and_the_known_names_are_listed(
    folders: Folders, one_line: OneLine, result: str
) -> None:
    sr, hr = folders(["a.png", result], ["a.png", "img.png"])
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert str(sr / result) in one_line(caught)
    assert "img_METHOD_x2" in one_line(caught)


def test_the_longest_matching_name_wins(folders: Folders) -> None:
    names = ["a.png", "a_b.png", "a_x2.png", "c_1.png"]
    results = ["a.png", "a_x2.png", "a_b_x2.png", "c_1_d_e_x2.png"]
    assert paired(folders(results, names)) == {
        "a": "a.png",
        "a_b": "a_b_x2.png",
        "a_x2": "a_x2.png",
        "c_1": "c_1_d_e_x2.png",
    }


def test_subfolders_match(folders: Folders) -> None:
    pairs = paired(folders(["u/1_x2.png", "v/1_x2.png"], ["u/1.png", "v/1.png"]))
    assert pairs == {"u/1": "u/1_x2.png", "v/1": "v/1_x2.png"}


def test_a_folder_name_is_not_part_of_an_image_name(folders: Folders, one_line: OneLine) -> None:
    sr, hr = folders(["a_b/c_x2.png"], ["a.png"])
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert str(sr / "a_b/c_x2.png") in one_line(caught)


def test_composed_and_decomposed_letters_match(folders: Folders) -> None:
    pairs = paired(folders(["e\u0301te\u0301_方法_x2.png"], ["été.png"]))
    assert pairs == {"été": "e\u0301te\u0301_方法_x2.png"}


def test_other_files_are_ignored(folders: Folders) -> None:
    sr, hr = folders(["img.png"], ["img.png"])
    (sr / "log.txt").write_text("done")
    (hr / ".img.png").write_bytes(b"")
    assert len(find_pairs(sr, hr, 2)) == 1


def test_two_results_for_one_image_are_refused(folders: Folders, one_line: OneLine) -> None:
    sr, hr = folders(["img_A_x2.png", "img_B_x2.png"], ["img.png"])
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    for name in (sr / "img_A_x2.png", sr / "img_B_x2.png", hr / "img.png"):
        assert str(name) in one_line(caught)


def test_two_images_of_one_name_are_refused(folders: Folders, one_line: OneLine) -> None:
    sr, hr = folders(["img.png"], ["img.png", "img.bmp"])
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert str(hr / "img.png") in one_line(caught)
    assert str(hr / "img.bmp") in one_line(caught)


def test_an_image_without_a_result_is_refused(folders: Folders, one_line: OneLine) -> None:
    sr, hr = folders(["a.png"], [f"{name}.png" for name in "abcdef"])
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert f"no result for {hr}/b.png" in one_line(caught)
    assert "and 2 more" in one_line(caught)


@pytest.mark.parametrize("missing", ["sr", "hr"])
def test_a_missing_folder_is_refused_with_the_option_that_names_it(
    tmp_path: Path, folders: Folders, one_line: OneLine, missing: str
) -> None:
    sr, hr = folders(["a.png"], ["a.png"])
    sr, hr = (tmp_path / "none" if f.name == missing else f for f in (sr, hr))
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert one_line(caught) == f"--{missing}: {tmp_path / 'none'}: no such folder"


@pytest.mark.parametrize("empty", ["sr", "hr"])
def test_a_folder_without_images_is_refused(
    folders: Folders, one_line: OneLine, empty: str
) -> None:
    sr, hr = folders([] if empty == "sr" else ["a.png"], [] if empty == "hr" else ["a.png"])
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert one_line(caught).startswith(f"--{empty}: ")
    assert "no images" in one_line(caught)


@pytest.mark.parametrize(
    ("size", "scale", "cropped"),
    [((40, 40), 2, (40, 40)), ((41, 41), 2, (40, 40)), ((43, 47), 4, (40, 44))],
)
def test_ground_truth_is_cropped_to_a_multiple_of_the_scale_where_the_result_is(
    tmp_path: Path, picture: Picture, size: tuple[int, int], scale: int, cropped: tuple[int, int]
) -> None:
    truth = picture(*size)
    write_png(tmp_path / "hr/img.png", truth)
    write_png(tmp_path / "sr/img.png", truth[: cropped[0], : cropped[1]])
    (pair,) = find_pairs(tmp_path / "sr", tmp_path / "hr", scale)
    sr, hr, _ = pair.read(scale)
    assert sr.shape == (*cropped, 3)
    np.testing.assert_array_equal(sr, hr)


def test_a_result_of_all_of_an_odd_image_is_taken_whole(tmp_path: Path, picture: Picture) -> None:
    for folder in ("sr", "hr"):
        write_png(tmp_path / folder / "img.png", picture(41, 43))
    (pair,) = find_pairs(tmp_path / "sr", tmp_path / "hr", 2)
    sr, hr, _ = pair.read(2)
    assert sr.shape == hr.shape == (41, 43, 3)


def test_only_the_file_of_the_ground_truth_says_whether_it_is_grey(
    tmp_path: Path, picture: Picture
) -> None:
    grey = picture(40, 40)[..., 0]
    as_rgb = grey[..., None].repeat(3, 2)
    for name, sr, hr in (("grey", as_rgb, grey), ("rgb", grey, as_rgb)):
        write_png(tmp_path / f"sr/{name}.png", sr)
        write_png(tmp_path / f"hr/{name}.png", hr)
    pairs = find_pairs(tmp_path / "sr", tmp_path / "hr", 2)
    assert {pair.name: pair.read(2)[2] for pair in pairs} == {"grey": True, "rgb": False}


@pytest.mark.parametrize("size", [(42, 42), (40, 41), (20, 20), (39, 40), (38, 38), (43, 40)])
def test_a_result_of_another_size_is_refused_with_both_sizes(
    tmp_path: Path, picture: Picture, one_line: OneLine, size: tuple[int, int]
) -> None:
    write_png(tmp_path / "hr/img.png", picture(41, 43))
    write_png(tmp_path / "sr/img.png", picture(*size))
    with pytest.raises(InputError) as caught:
        find_pairs(tmp_path / "sr", tmp_path / "hr", 2)
    message = one_line(caught)
    assert f"{tmp_path / 'sr/img.png'}: {size[1]}×{size[0]} pixels" in message
    assert f"{tmp_path / 'hr/img.png'} has 43×41" in message
    assert "42×40 (cropped at the bottom and right to a multiple of 2)" in message


@pytest.mark.parametrize(("side", "scale"), [(31, 2), (42, 16)])
def test_an_image_below_the_smallest_that_can_be_scored_is_refused(
    tmp_path: Path, picture: Picture, one_line: OneLine, side: int, scale: int
) -> None:
    for folder in ("sr", "hr"):
        write_png(tmp_path / folder / "img.png", picture(side, 64))
    with pytest.raises(InputError) as caught:
        find_pairs(tmp_path / "sr", tmp_path / "hr", scale)
    assert f"64×{side} pixels are too few" in one_line(caught)
    assert f"{side + 1}×{side + 1} are needed" in one_line(caught)


@pytest.mark.parametrize("damaged", ["sr", "hr"])
@pytest.mark.parametrize("content", [b"", b"words"])
def test_what_is_no_image_is_named(
    folders: Folders, one_line: OneLine, damaged: str, content: bytes
) -> None:
    sr, hr = folders(["a.png"], ["a.png"])
    (sr.parent / damaged / "a.png").write_bytes(content)
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert one_line(caught).startswith(f"{sr.parent / damaged / 'a.png'}: ")


def test_names_with_control_characters_are_escaped_in_messages(
    folders: Folders, one_line: OneLine
) -> None:
    sr, hr = folders(["a.png", "b\x1b[31m\n.png"], ["a.png"])
    with pytest.raises(InputError) as caught:
        find_pairs(sr, hr, 2)
    assert r"b\x1b[31m\n.png" in one_line(caught)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("plain_1 été 方", "plain_1 été 方"),
        ("a\nb\x1b[0m", r"a\nb\x1b[0m"),
        ("\u202egnp", r"\u202egnp"),
        ("\udce9", r"\udce9"),
    ],
)
def test_what_is_not_to_be_seen_is_escaped(text: str, printed: str) -> None:
    assert printable(text) == printed
