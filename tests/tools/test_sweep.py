"""Sweeps: what is combined, what a log says, and how it is drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from srcnn.errors import InputError
from srcnn.figures.canvas import Canvas
from srcnn.figures.style import BLACK, method_colours
from tests.tiny_project import run
from tools.combinations import combine, varied
from tools.experiment_log import reason_of, stages_of
from tools.sweep_figure import METHODS, METRICS, Row, curves, draw_sweep, sweep_table

OneLine = Callable[[Any], str]


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where params.yaml is."""
    monkeypatch.chdir(project)


# What is combined


def names(*arguments: str, prefix: str = "") -> list[str]:
    return [combination.name for combination in combine(arguments, prefix)]


def test_lists_multiply_and_names_tell_the_values() -> None:
    found = combine(["loss.lambda2=0.1,0.9", "train.lr=0.001,0.003", "train.epochs.mse=1"])
    assert [combination.name for combination in found] == [
        "lambda2=0.1_train.lr=0.001_mse=1",
        "lambda2=0.1_train.lr=0.003_mse=1",
        "lambda2=0.9_train.lr=0.001_mse=1",
        "lambda2=0.9_train.lr=0.003_mse=1",
    ]
    assert found[1].overrides == ("loss.lambda2=0.1", "train.lr=0.003", "train.epochs.mse=1")
    assert found[1].given == {"loss.lambda2": 0.1, "train.lr": 0.003, "train.epochs.mse": 1}
    assert found[1].params["train"]["epochs"] == {"mse": 1, "perceptual": 4}
    assert varied(found) == ["loss.lambda2", "train.lr"]


def test_the_curve_is_along_lambda2_wherever_it_is_given() -> None:
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
def test_names_are_such_as_git_takes(argument: str, name: list[str]) -> None:
    assert names(argument) == name
    for each in name:
        run("git", "check-ref-format", f"refs/exps/{each}", cwd=Path())


def test_a_prefix_begins_every_name(one_line: OneLine) -> None:
    assert names("loss.lambda2=0.1", prefix="first") == ["first_lambda2=0.1"]
    for prefix in ("a/b", "-a", "a b", "..", "a~"):
        with pytest.raises(InputError, match="--name"):
            combine(["loss.lambda2=0.1"], prefix)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["loss.lambda2"], "loss.lambda2: not KEY=VALUE"),
        (["=3"], "=3: not KEY=VALUE"),
        (["loss.lambda2=[1"], "not KEY=VALUE"),
        (["~loss.lambda2"], "not KEY=VALUE"),
        (["params.yaml:loss.lambda2=1"], "not KEY=VALUE"),
        (["loss.lambda2=1", "loss.lambda2=2"], "given twice"),
        (["loss.lambda2=glob(*)"], "not supported"),
        (["loss.lambda2=interval(1,2)"], "INTERVAL_SWEEP"),
        (["loss.lamda2=0.1"], "Could not override 'loss.lamda2'"),
        (["loss.lambda2=0.1,abc"], "loss.lambda2=abc: loss.lambda2: "),
        (["train.lr=0"], "train.lr=0: train.lr: "),
        (["scales=[2],[5]"], "scales=[5]: scales: 5 is not one of"),
        (["data.cache_dir=a/b,a-b"], "the name of two combinations"),
        (["scales.0=3"], "scales.0"),
        (["+variants.deep.lambda2=1,2"], "a sweep is of the perceptual loss"),
        ([f"data.cache_dir={'long' * 60}"], "too long for a name"),
    ],
)
def test_what_no_run_could_have_is_refused_before_anything_is_queued(
    arguments: list[str], message: str, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        combine(arguments)
    assert message in one_line(caught)


# What a log says

LOG = """Reproducing experiment 'a'
Running stage 'check_settings':
> python -m stages.check_settings
Updating lock file 'dvc.lock'

Stage 'fetch_data' didn't change, skipping
Stage 'train_mse@2' is cached - skipping run, checking out outputs
Updating lock file 'dvc.lock'

Running stage 'train_perceptual@2':
> python -m stages.train --scale 2 --loss perceptual
"""


def test_stages_are_counted_by_what_became_of_them() -> None:
    stages = stages_of(LOG)
    assert stages.ran == ("check_settings", "train_perceptual@2")
    assert stages.cached == ("train_mse@2",)
    assert stages.unchanged == ("fetch_data",)
    assert str(stages) == "2 ran, 1 from the cache, 1 unchanged"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("error: training diverged\nERROR: failed to reproduce 'a'\n", "training diverged"),
        ("epoch 1\nERROR: failed to run: b, exited with -9\n", "failed to run: b, exited with -9"),
        ("epoch 1\n", "epoch 1"),
    ],
)
def test_the_reason_is_the_stage_s_own_if_it_gave_one(end: str, reason: str) -> None:
    assert reason_of(LOG.replace("Running", "error: before\nRunning") + end) == reason
    assert reason_of("")


# What is drawn


def made_rows(
    lambdas: tuple[float, ...] = (0.9, 0.1),
    rates: tuple[float, ...] = (0.001,),
    scales: tuple[int, ...] = (2, 4),
    of_mse: float = 0.0,
) -> list[Row]:
    """Rows of a sweep; the MSE model's scores change with the rate by `of_mse`."""
    rows: list[Row] = []
    for lambda2 in lambdas:
        for number, rate in enumerate(rates):
            for scale in scales:
                for method, mse, lpips in (
                    ("bicubic", 0.0016, 0.16),
                    ("mse", 0.0014 * (1 + of_mse * number), 0.12),
                    ("perceptual", 0.0014 + 1e-5 * lambda2 * (1 + number), 0.11 - 0.002 * lambda2),
                ):
                    scores = dict.fromkeys(METRICS, 1.0) | {"mse": mse, "lpips": lpips}
                    about = {"experiment": f"{lambda2}_{rate}", "scale": scale, "method": method}
                    settings = {"loss.lambda1": 0.1, "loss.lambda2": lambda2, "train.lr": rate}
                    rows.append(about | settings | scores)
    return rows


def shows(canvas: Canvas, colour: str) -> bool:
    wanted = np.rint(np.array(to_rgb(colour)) * 255)
    return bool((canvas.render() == wanted).all(axis=2).any())


def test_a_curve_is_in_the_order_of_its_setting_and_marks_the_paper_s_point() -> None:
    *others, perceptual = curves(made_rows((8.1, 0.9, 0.1), scales=(2,)), ["loss.lambda2"])
    assert [curve.method for curve in others] == ["bicubic", "mse"]
    assert [len(curve.points) for curve in others] == [1, 1]
    assert [point.values for point in perceptual.points] == [(0.1,), (0.9,), (8.1,)]
    assert [point.of_paper for point in perceptual.points] == [False, True, False]
    assert not any(point.of_paper for curve in others for point in curve.points)


def test_each_combination_of_the_other_settings_has_its_curve() -> None:
    settings = ["loss.lambda2", "train.lr"]
    found = curves(made_rows(rates=(0.001, 0.003), scales=(2,)), settings)
    of_perceptual = [curve for curve in found if curve.method == "perceptual"]
    assert [curve.others for curve in of_perceptual] == ["train.lr = 0.001", "train.lr = 0.003"]
    assert sum(curve.method == "mse" for curve in found) == 1
    found = curves(made_rows(rates=(0.001, 0.003), scales=(2,), of_mse=0.1), settings)
    assert sum(curve.method == "mse" for curve in found) == 2


def test_a_model_along_whose_setting_others_move_too_has_a_curve_of_its_own() -> None:
    rows = made_rows((0.9,), rates=(0.003, 0.001), scales=(2,), of_mse=0.1)
    found = {curve.method: curve for curve in curves(rows, ["train.lr"])}
    assert [point.values for point in found["mse"].points] == [(0.001,), (0.003,)]
    assert found["bicubic"].points[0].values == (0.003, 0.001)


@pytest.mark.parametrize("scales", [(2,), (2, 4), (2, 3, 4)])
def test_the_figure_shows_the_methods_at_every_scale(scales: tuple[int, ...]) -> None:
    canvas = draw_sweep(made_rows(scales=scales), ["loss.lambda2"])
    assert all(shows(canvas, colour) for colour in method_colours(METHODS).values())
    rows = -(-len(scales) // 2)
    assert canvas.render().shape[0] == pytest.approx(rows * 848, rel=0.1)


@pytest.mark.parametrize(
    "rows",
    [
        made_rows((0.9,)),
        made_rows((0.9, 0.9)),
        made_rows((0.1, 0.9, 5000.0)),  # far away, as what nearly diverges is
        made_rows(rates=(0.001, 0.003, 0.01), of_mse=0.2),
    ],
)
def test_any_sweep_can_be_drawn(rows: list[Row]) -> None:
    canvas = draw_sweep(rows, ["loss.lambda2", "train.lr"])
    assert shows(canvas, BLACK)


def test_settings_without_an_order_are_not_joined_by_a_line() -> None:
    rows = [{**row, "loss.balance": str(row["loss.lambda2"])} for row in made_rows((0.1, 90.0))]
    joined, single = (draw_sweep(rows, [key]) for key in ("loss.lambda2", "loss.balance"))
    colour = np.rint(np.array(to_rgb(method_colours(METHODS)["perceptual"])) * 255)
    count = [(canvas.render() == colour).all(axis=2).sum() for canvas in (joined, single)]
    assert count[0] > 1.5 * count[1]


def test_the_table_has_a_line_per_experiment_and_one_per_method_to_compare_with() -> None:
    heads, *lines = sweep_table(made_rows()).splitlines()
    assert [head.split()[-1] for head in heads.split("×")[1:]] == ["MSE", "RGB", "LPIPS"] * 2
    assert [line.split("  ")[0] for line in lines] == [
        "Bicubic",
        "SRCNN, MSE loss",
        "0.9_0.001",
        "0.1_0.001",
    ]
    assert len({len(line) for line in [heads, *lines]}) == 1
    assert "0.1098" in lines[-1]


def test_the_table_tells_models_apart_and_leaves_a_gap_where_a_scale_is_missing() -> None:
    rows = made_rows(rates=(0.001, 0.003), of_mse=0.1)
    rows = [row for row in rows if row["scale"] == 2 or row["loss.lambda2"] == 0.1]
    lines = sweep_table(rows).splitlines()
    assert sum(line.startswith("SRCNN, MSE loss of ") for line in lines) >= 2
    assert any("–" in line for line in lines)
