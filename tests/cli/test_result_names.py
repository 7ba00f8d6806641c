"""How results are matched to the ground truth: the usual names, shared affixes, templates."""

import io
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srcnn.cli.program import main
from srcnn.cli.score_pairs import find_pairs
from srcnn.errors import InputError

OneLine = Callable[[Any], str]
Names = Iterable[str]
Pairs = dict[str, str]

BIRDS = ("bird", "bird_1", "u/bird")


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (40, 40)).save(file, "PNG")
    return file.getvalue()


PNG = png()


def paired(results: Names, truths: Names, template: str | None = None, scale: int = 2) -> Pairs:
    """Name of the ground truth → name of the result, for folders of images of the same size."""
    with tempfile.TemporaryDirectory() as folder:
        sr, hr = Path(folder, "sr"), Path(folder, "hr")
        for part, names in ((sr, results), (hr, truths)):
            for name in names:
                file = part / f"{name}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(PNG)
        pairs = find_pairs(sr, hr, scale, template)
        return {name_in(hr, pair.hr): name_in(sr, pair.sr) for pair in pairs}


def name_in(folder: Path, file: Path) -> str:
    return str(file.relative_to(folder).with_suffix(""))


def renamed(truths: Names, prefix: str = "", suffix: str = "") -> Pairs:
    """Name of the ground truth → name with a prefix and a suffix."""
    split = {truth: truth.rpartition("/") for truth in truths}
    return {truth: f"{a}{b}{prefix}{stem}{suffix}" for truth, (a, b, stem) in split.items()}


def words(parts: str, most: int = 4) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts.split()), min_size=1, max_size=most).map("".join)


def sets(names: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(names, min_size=least, max_size=5, unique=True)


tricky = words("a b 1 1 _ _ - x2 _x2 2x x4 foo")
in_folders = st.tuples(st.sampled_from(["", "a/", "a_1/"]), tricky).map("".join)
affixes = st.just("") | tricky


@settings(max_examples=100)
@given(truths=sets(in_folders), prefix=affixes, suffix=affixes)
def test_results_that_share_any_affixes_are_paired_rightly_or_refused(
    truths: list[str], prefix: str, suffix: str
) -> None:
    expected = renamed(truths, prefix, suffix)
    assert paired(expected.values(), truths, f"{prefix}{{hr}}{suffix}") == expected
    try:
        found = paired(expected.values(), truths)
    except InputError:
        return
    assert found == expected


@settings(max_examples=100)
@given(
    truths=sets(words("a b 1 11 _ -"), least=2),
    prefix=st.sampled_from(["", "SRCNN_", "out 2-"]),
    suffix=st.sampled_from(["", "_SwinIR", "_x2_EDSR+", "-2x.v1", "_upscayl_2x_ultrasharp-4x"]),
)
def test_results_that_share_distinct_affixes_are_paired(
    truths: list[str], prefix: str, suffix: str
) -> None:
    expected = renamed(truths, prefix, suffix)
    assert paired(expected.values(), truths) == expected


@settings(max_examples=100)
@given(names=sets(words("1 2 11 _ - img"), least=2), data=st.data())
def test_results_of_other_images_are_refused(names: list[str], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(names) - 1))
    numbers = sets(words("1 2 11 _", most=3))
    for results in (names[count:], [f"{names[0]}{number}" for number in data.draw(numbers)]):
        if set(results) != set(names[:count]) and not any("img" in part for part in results):
            with pytest.raises(InputError):
                paired(results, names[:count])


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        ("", "_out"),
        ("", "_x2_SwinIR"),
        ("", "_upscayl_2x_ultrasharp-4x"),
        ("SRCNN_", ""),
        ("out-", " (x2)"),
    ],
)
def test_all_results_may_share_a_prefix_and_a_suffix(prefix: str, suffix: str) -> None:
    results = renamed(BIRDS, prefix, suffix)
    assert paired(results.values(), BIRDS) == results


def test_the_name_of_a_model_may_contain_x_and_a_number() -> None:
    results = renamed(BIRDS, suffix="_upscayl_4x_realesrgan-x4plus")
    assert paired(results.values(), BIRDS, scale=4) == results


@pytest.mark.parametrize(
    ("truths", "prefix", "suffix"),
    [
        (["1", "2"], "1", ""),  # 11 and 12 may be other photographs
        (["1", "2"], "", "1"),
        (["img_1", "img_2"], "", "1"),
        (["img", "img_1"], "", "_1"),
        (["a", "b"], "", "out"),
        (["bird"], "SRCNN_", ""),
        (["bird"], "", "s"),
        (["img"], "", "_1"),
    ],
)
def test_affixes_that_may_belong_to_another_image_are_refused_and_shown(
    one_line: OneLine, truths: list[str], prefix: str, suffix: str
) -> None:
    results = renamed(truths, prefix, suffix)
    with pytest.raises(InputError) as caught:
        paired(results.values(), truths)
    assert f"--name '{prefix}{{hr}}{suffix}'" in one_line(caught)
    assert paired(results.values(), truths, f"{prefix}{{hr}}{suffix}") == results


def test_the_result_of_a_single_image_may_have_a_distinct_suffix() -> None:
    assert paired(["bird_out"], ["bird"]) == {"bird": "bird_out"}


def test_two_possible_affixes_are_refused_and_shown(one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        paired(["x_x_out", "x_x_x_out"], ["x", "x_x"])
    assert "--name 'x_{hr}_out'" in one_line(caught)
    assert "--name '{hr}_x_out'" in one_line(caught)


def test_usual_names_that_can_be_read_as_shared_affixes_are_refused(one_line: OneLine) -> None:
    truths = ["a", "a_a_foo"]
    results = renamed(truths, "a_", "_foo_x2")
    with pytest.raises(InputError) as caught:
        paired(results.values(), truths)
    assert "--name 'a_{hr}_foo_x2'" in one_line(caught)
    assert paired(results.values(), truths, "a_{hr}_foo_x2") == results


@pytest.mark.parametrize(
    ("suffix", "scale"), [("_x4", 2), ("x4", 2), ("_X4_EDSR", 2), ("_upscayl_4x_model", 3)]
)
def test_names_that_state_another_scale_are_refused(
    one_line: OneLine, suffix: str, scale: int
) -> None:
    results = renamed(BIRDS, suffix=suffix)
    with pytest.raises(InputError) as caught:
        paired(results.values(), BIRDS, scale=scale)
    assert f"another scale than --scale {scale}; change --scale, or use --name" in one_line(caught)
    assert paired(results.values(), BIRDS, f"{{hr}}{suffix}", scale) == results
    assert paired(results.values(), BIRDS, scale=4) == results


@pytest.mark.parametrize("results", [["a_out", "b_out"], ["a_out", "b_out", "c_out", "e_out"]])
def test_the_affixes_of_most_results_are_shown(one_line: OneLine, results: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        paired(results, ["a", "b", "d"])
    assert "2 results match with --name '{hr}_out'" in one_line(caught)


def test_a_template_that_finds_no_more_than_the_usual_names_is_not_shown(one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        paired(["a", "b", "c"], ["a", "b"])
    assert "for other names use --name, as in --name '{hr}_SwinIR'" in one_line(caught)


def test_a_template_leaves_out_results_of_other_names() -> None:
    results = ["a_SwinIR_x4", "a_SwinIR_x2", "a_EDSR_x2", "u/b_SwinIR_x2"]
    expected = {"a": "a_SwinIR_x2", "u/b": "u/b_SwinIR_x2"}
    assert paired(results, ["a", "u/b"], "{hr}_SwinIR_x{scale}") == expected


def test_composed_and_decomposed_letters_of_a_template_match() -> None:
    assert paired(["e\u0301_été"], ["é"], "{hr}_e\u0301te\u0301") == {"é": "e\u0301_été"}


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        (
            ["a_EDSR"],
            "expected a_SwinIR.* for {hr}/a.png and 1 more, found {sr}/a_EDSR.png",
        ),
        (["a_SwinIR"], "expected b_SwinIR.* for {hr}/b.png"),
        (["a_SwinIR", "b_SwinIR", "c_SwinIR"], "no ground truth for {sr}/c_SwinIR.png"),
        (["a_SwinIR", "u/b_SwinIR"], "no ground truth for {sr}/u/b_SwinIR.png"),
    ],
)
def test_results_that_a_template_does_not_find_are_named(
    tmp_path: Path, one_line: OneLine, results: list[str], problem: str
) -> None:
    for folder, names in (("sr", results), ("hr", ["a", "b"])):
        for file in names:
            path = tmp_path / folder / f"{file}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG)
    with pytest.raises(InputError) as caught:
        find_pairs(tmp_path / "sr", tmp_path / "hr", 2, "{hr}_SwinIR")
    folders = {"sr": str(tmp_path / "sr"), "hr": str(tmp_path / "hr")}
    assert one_line(caught) == f"--name '{{hr}}_SwinIR': {problem.format(**folders)}"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("", "has no {hr}"),
        ("SwinIR", "has no {hr}"),
        ("{HR}_SwinIR", "has no {hr}"),
        ("{scale}", "has no {hr}"),
        ("{hr}_{hr}", "use {hr} exactly once"),
        ("{{hr}}", "use {hr} exactly once"),
        ("{hr}_{method}", "use {hr} exactly once"),
        ("x2/{hr}", "cannot contain a slash"),
        ("{hr}\n/", "cannot contain a slash"),
    ],
)
def test_a_malformed_template_is_refused(one_line: OneLine, template: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        find_pairs(Path("sr"), Path("hr"), 2, template)
    assert one_line(caught).startswith("--name ")
    assert problem in one_line(caught)


def test_the_option_name_takes_a_template(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--sr", "a", "--hr", "b", "--scale", "2", "--name", "SwinIR"]) == 1
    assert capsys.readouterr().err.startswith("error: --name SwinIR: has no {hr}")
