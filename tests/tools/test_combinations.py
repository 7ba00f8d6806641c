"""The combinations of settings that a sweep runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srcnn.errors import InputError
from tests.tiny_project import run
from tools.combinations import combine, varied

OneLine = Callable[[Any], str]


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the tests where params.yaml is."""
    monkeypatch.chdir(project)


def names(*arguments: str, prefix: str = "") -> list[str]:
    return [combination.name for combination in combine(arguments, prefix)]


def test_lists_multiply_and_names_contain_the_values() -> None:
    found = combine(["loss.lambda2=0.1,0.9", "train.lr=0.001,0.003", "train.epochs.mse=1"])
    assert [combination.name for combination in found] == [
        "lambda2=0.1_train.lr=0.001_mse=1",
        "lambda2=0.1_train.lr=0.003_mse=1",
        "lambda2=0.9_train.lr=0.001_mse=1",
        "lambda2=0.9_train.lr=0.003_mse=1",
    ]
    assert found[1].overrides == ["loss.lambda2=0.1", "train.lr=0.003", "train.epochs.mse=1"]
    assert found[1].settings == {"loss.lambda2": 0.1, "train.lr": 0.003, "train.epochs.mse": 1}
    assert found[1].params["train"]["epochs"] == {"mse": 1, "perceptual": 4}
    assert varied(found) == ["loss.lambda2", "train.lr"]


def test_lambda2_is_the_first_varied_setting_wherever_it_is_given() -> None:
    assert varied(combine(["train.lr=0.001,0.003", "loss.lambda2=0.1,0.9"]))[0] == "loss.lambda2"


def test_the_same_value_has_one_name_however_it_is_written() -> None:
    assert names("loss.lambda2=.1,0.10,1e-1") == ["lambda2=0.1"]
    assert names("train.lr=1e-5") == names("train.lr=0.00001") == ["train.lr=1e-05"]


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("scales=[2,4],[2]", ["scales=2-4", "scales=2"]),
        ("model.upsampling=bicubic,'bilinear'", ["upsampling=bicubic", "upsampling=bilinear"]),
        ("train.clip_norm=null,1", ["clip_norm=null", "clip_norm=1"]),
        ("train.augment.colour=true,false", ["colour=true", "colour=false"]),
        ("data.cache_dir=/a/b..c.lock/", ["cache_dir=a-b-c-lock"]),
        ("+loss.layers.block3_conv3=0.5", ["block3_conv3=0.5"]),
    ],
)
def test_git_accepts_the_names(argument: str, name: list[str]) -> None:
    assert names(argument) == name
    for each in name:
        run("git", "check-ref-format", f"refs/exps/{each}", cwd=Path())


def test_a_prefix_starts_every_name(one_line: OneLine) -> None:
    assert names("loss.lambda2=0.1", prefix="first") == ["first_lambda2=0.1"]
    for prefix in ("a/b", "-a", "a b", "..", "a~"):
        with pytest.raises(InputError, match="--name"):
            combine(["loss.lambda2=0.1"], prefix)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["loss.lambda2"], "loss.lambda2: expected KEY=VALUE"),
        (["=3"], "=3: expected KEY=VALUE"),
        (["loss.lambda2=[1"], "expected KEY=VALUE"),
        (["~loss.lambda2"], "expected KEY=VALUE"),
        (["params.yaml:loss.lambda2=1"], "expected KEY=VALUE"),
        (["loss.lambda2=1", "loss.lambda2=2"], "given twice"),
        (["loss.lambda2=glob(*)"], "expected KEY=VALUE"),
        (["loss.lambda2=interval(1,2)"], "INTERVAL_SWEEP"),
        (["loss.lamda2=0.1"], "params.yaml has no setting loss.lamda2"),
        (["loss.lambda2=0.1,abc"], "loss.lambda2=abc: loss.lambda2: "),
        (["train.lr=0"], "train.lr=0: train.lr: "),
        (["scales=[2],[5]"], "scales=[5]: scales: 5 is not one of"),
        (["data.cache_dir=a/b,a-b"], "two combinations have this name"),
        (["scales.0=3"], "params.yaml has no setting scales.0"),
        (["+variants.deep.lambda2=1,2"], "a sweep changes the perceptual loss"),
        ([f"data.cache_dir={'long' * 60}"], "name is too long"),
    ],
)
def test_a_wrong_setting_is_refused(arguments: list[str], message: str, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        combine(arguments)
    assert message in one_line(caught)


@pytest.mark.parametrize(
    "argument",
    [
        f"seed={'1' * 5000}",
        f"seed={'1' * 900}x,2",
        f"scales={'[' * 400}",
        f"loss.layers={'{a:' * 200}",
        "seed=range(1,1)",
        "seed=range(1,2,0)",
    ],
)
def test_odd_values_are_one_short_line(argument: str) -> None:
    with pytest.raises(InputError) as caught:
        combine([argument])
    assert len(str(caught.value)) < 3000
