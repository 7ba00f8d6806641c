"""What a run will take: counted on photographs that are known, and printed as a user sees it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, write_png
from srcnn.settings import Settings, read_settings
from tools import plan, time_steps
from tools.plan import plan_text
from tools.run_cost import (
    TIMED_SIDE,
    Photographs,
    Rates,
    benchmark_images,
    disk_use,
    find_photographs,
    find_trainings,
    preparing_seconds,
    scoring_seconds,
    step_seconds,
    training_seconds,
)
from tools.time_steps import measure_rates, single_process_fabric

Change = Callable[..., Settings]
DIV2K = {"data.source": "div2k", "data.cache_dir": "cache"}
SECOND = Rates({(s, loss): 1.0 for s in (2, 4) for loss in ("mse", "perceptual")}, 1.0, 0.0)


@pytest.fixture
def change(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """A maker of settings: those of params.yaml, changed by dotted name."""
    monkeypatch.chdir(project)

    def changed(changes: Mapping[str, Any] | None = None) -> Settings:
        yaml = YAML()
        values = yaml.load(project / "params.yaml")
        for name, value in (changes or {}).items():
            *sections, last = name.split(".")
            section = values
            for part in sections:
                section = section[part]
            section[last] = value
        yaml.dump(values, tmp_path / "params.yaml")
        return read_settings(tmp_path / "params.yaml")

    return changed


def both(train: int, val: int, pixels: int) -> dict[str, Photographs]:
    """So many photographs of so many pixels each."""
    counts = {"train": train, "val": val}
    return {split: Photographs(count, count * pixels) for split, count in counts.items()}


def test_the_samples_photographs_are_counted(change: Change) -> None:
    found = find_photographs(change().data)
    assert [(split, photos.images) for split, photos in found.items()] == [
        ("train", 9),
        ("val", 7),
    ]
    assert all(photos.is_known for photos in found.values())
    assert found["val"].pixels == pytest.approx(1.76e6, rel=0.01)


def test_photographs_of_a_folder_are_those_that_the_settings_keep(
    change: Change, tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    for name, size in {
        "train/a": (30, 40),
        "train/b": (20, 40),
        "train/c": (30, 40),
        "train/d": (30, 40),
        "val/e": (30, 40),
        "val/f": (20, 40),
    }.items():
        write_png(tmp_path / f"photos/{name}.png", picture(*size))
    folder = {"data.source": "folder", "data.root": str(tmp_path / "photos")}
    everything = find_photographs(change(folder).data)
    assert (everything["train"].images, everything["val"].images) == (4, 2)
    same = find_photographs(
        change(folder | {"data.same_size": "most_common", "data.train_images": 2}).data
    )
    assert same == both(2, 1, 1200)


def test_a_folder_that_is_not_there_is_refused(
    change: Change, one_line: Callable[[Any], str]
) -> None:
    settings = change({"data.source": "folder", "data.root": "/nowhere"})
    with pytest.raises(InputError) as caught:
        find_photographs(settings.data)
    assert "data.root: /nowhere/train" in one_line(caught)


def test_photographs_of_a_manifest_are_counted_without_fetching_them(change: Change) -> None:
    everything = find_photographs(change(DIV2K).data)
    assert (everything["train"].images, everything["val"].images) == (800, 100)
    some = find_photographs(change(DIV2K | {"data.train_images": 49}).data)
    assert (some["train"].images, some["val"].images) == (49, 100)
    for photos in (*everything.values(), *some.values()):
        assert photos.is_known
        assert photos.pixels / photos.images == pytest.approx(2040 * 1356, rel=0.02)


@pytest.mark.parametrize(("source", "train"), [({"data.source": "sample"}, 7), (DIV2K, 798)])
def test_photographs_that_are_set_aside_are_counted(
    change: Change, source: dict[str, str], train: int
) -> None:
    settings = change(source | {"data.select": 2})
    found = find_photographs(settings.data)
    assert (found["train"].images, found["select"].images) == (train, 2)
    whole = find_photographs(change(source).data)
    assert sum(photos.pixels for photos in found.values()) == pytest.approx(
        sum(photos.pixels for photos in whole.values())
    )
    title = plan_text(settings, found, SECOND, "a machine").splitlines()[0]
    assert f": {train} train, {found['val'].images} val and 2 select images, " in title


def test_images_set_aside_are_stored_but_read_only_to_choose_the_epoch(change: Change) -> None:
    aside = {"select": Photographs(4, 4 * 250_000)}
    without, photographs = both(10, 5, 250_000), both(10, 5, 250_000) | aside
    last, best = change(), change({"data.select": 4, "train.keep": "best"})
    run = find_trainings(last, photographs["train"])[0]

    def places(settings: Settings, found: Mapping[str, Photographs]) -> dict[str, float]:
        return {use.what: use.bytes for use in disk_use(settings, found)}

    for settings, share in ((last, 1.0), (best, 19 / 15)):
        before, after = places(settings, without), places(settings, photographs)
        assert after["HR images"] == pytest.approx(19 / 15 * before["HR images"])
        assert after["LR images"] == pytest.approx(19 / 15 * before["LR images"])
        assert after["decoded pixels"] == pytest.approx(share * before["decoded pixels"])
        assert after["SR images"] == before["SR images"]
    seconds = [training_seconds(each, run, photographs, SECOND) for each in (last, best)]
    assert seconds[0] == training_seconds(last, run, without, SECOND)
    # A tenth of an epoch's pixels, at half the cost of training, after each of four epochs.
    validation = 4 * 0.5 * 0.1 * run.batches
    assert seconds[1] - seconds[0] == pytest.approx(validation, rel=0.01)
    assert preparing_seconds(best, photographs) > preparing_seconds(last, photographs)
    assert preparing_seconds(last, photographs) > preparing_seconds(last, without)


@pytest.mark.parametrize("source", [{"data.source": "sample"}, DIV2K])
def test_more_images_than_there_are_cannot_be_set_aside(
    change: Change, source: dict[str, str], one_line: Callable[[Any], str]
) -> None:
    settings = change(source | {"data.select": 800})
    with pytest.raises(InputError) as caught:
        find_photographs(settings.data)
    assert "data.select: cannot set aside 800 of " in one_line(caught)


def test_how_many_have_one_size_is_not_known_before_a_download(change: Change) -> None:
    settings = change(DIV2K | {"data.same_size": [2040, 1356], "data.train_images": 49})
    assert find_photographs(settings.data)["train"] == Photographs(49, 49 * 2040 * 1356, False)
    text = plan_text(settings, find_photographs(settings.data), SECOND, "a machine")
    assert text.splitlines()[0].startswith("div2k: at most 49 train and at most 100 val images")


def test_steps_are_those_of_the_training_stage(change: Change) -> None:
    runs = find_trainings(change(), both(10, 5, 250_000)["train"])
    assert [(run.loss, run.scale) for run in runs] == [
        ("mse", 2),
        ("mse", 4),
        ("perceptual", 2),
        ("perceptual", 4),
    ]
    assert [(run.batches, run.epochs, run.steps) for run in runs][::2] == [
        (100, 4, 400),
        (100, 4, 400),
    ]


def test_whole_images_come_once_an_epoch_and_take_as_long_as_they_have_pixels(
    change: Change,
) -> None:
    settings = change({"train.patch_size": None, "train.batch_size": 2})
    photographs = both(49, 7, 4 * TIMED_SIDE**2)
    run = find_trainings(settings, photographs["train"])[0]
    assert (run.draws, run.batches) == (49, 25)
    assert step_seconds(settings, run, photographs["train"], SECOND) == 4.0


def test_a_training_run_takes_its_steps_its_start_and_its_validation(change: Change) -> None:
    settings, photographs = change(), both(10, 5, 250_000)
    mse, _, perceptual, _ = find_trainings(settings, photographs["train"])
    assert training_seconds(settings, mse, photographs, SECOND) == pytest.approx(400, rel=0.06)
    # A quarter of a megapixel of each image for the balance, at half the cost of training.
    unbalanced = change({"loss.balance": "none"})
    difference = training_seconds(settings, perceptual, photographs, SECOND) - training_seconds(
        unbalanced, perceptual, photographs, SECOND
    )
    assert difference == pytest.approx(10 * 250_000 / (8 * 48**2) / 2)


def test_more_scales_photographs_and_sets_take_longer(change: Change) -> None:
    one, two = change({"scales": [2]}), change({"scales": [2, 4]})
    few, many = both(10, 5, 250_000), both(800, 100, 2_766_000)
    assert preparing_seconds(two, many) > preparing_seconds(one, many)
    assert preparing_seconds(one, many) > preparing_seconds(one, few)
    assert scoring_seconds((2, 4), many, SECOND) > 100 * 2 * 2.766
    few_and_a_set = scoring_seconds((2,), few, SECOND, Photographs(5, 3e6))
    assert few_and_a_set == scoring_seconds((2,), few, SECOND) + 3


def test_dists_takes_as_long_for_a_large_image_as_for_a_small_one() -> None:
    slow = replace(SECOND, dists=2.0)
    small, large = (both(10, 5, pixels) for pixels in (250_000, 2_766_000))
    extra = [
        scoring_seconds((2,), found, slow) - scoring_seconds((2,), found, SECOND)
        for found in (small, large)
    ]
    assert extra == pytest.approx([extra[0]] * 2)
    assert extra[0] >= 2.0 * 5
    a_set = Photographs(7, 1e6)
    assert scoring_seconds((2,), small, slow, a_set) == pytest.approx(
        scoring_seconds((2,), small, slow) + 1 + 2.0 * 7
    )


def test_benchmark_sets_are_looked_at(
    change: Change, tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    write_png(tmp_path / "Set/a.png", picture(40, 50))
    assert benchmark_images(change()) == Photographs(0, 0)
    settings = change({"evaluate.benchmarks": {"Set": str(tmp_path / "Set")}})
    assert benchmark_images(settings) == Photographs(1, 2000)
    missing = change({"evaluate.benchmarks": {"Set": "/nowhere"}})
    with pytest.raises(InputError, match=r"evaluate\.benchmarks\.Set: /nowhere"):
        benchmark_images(missing)


def test_the_disk_that_div2k_takes_is_the_guide_s(change: Change, project: Path) -> None:
    settings = change(DIV2K)
    places = disk_use(settings, find_photographs(settings.data))
    rounded = [(place.where, round(place.bytes / 1e9, 1)) for place in places]
    assert rounded == [
        ("cache", 4.0),
        (".dvc/cache", 4.0),
        ("data/.finished", 4.0),
        (".dvc/cache", 1.1),
        ("data/lr/.finished", 1.1),
        ("data/.decoded", 9.8),
        (".dvc/cache", 2.6),
        ("data/sr", 2.6),
    ]
    guide = (project / "docs/reproduce-the-paper.md").read_text(encoding="utf-8")
    told = [float(size) for size in re.findall(r"\| (\d+\.\d) \|$", guide, re.MULTILINE)]
    assert sum(told) == pytest.approx(sum(size for _, size in rounded))


def test_what_is_downloaded_besides_counts(change: Change, tmp_path: Path) -> None:
    def in_cache(changes: dict[str, Any]) -> float:
        settings = change(DIV2K | changes)
        places = disk_use(settings, find_photographs(settings.data))
        return sum(place.bytes for place in places if place.where == "cache") / 1e9

    assert in_cache({"data.lr": "official"}) == pytest.approx(5.3, abs=0.05)
    assert in_cache({"loss.network": "vgg19"}) == pytest.approx(4.5, abs=0.05)
    assert in_cache({"loss.network": "vgg19", "loss.weights_file": "vgg.pth"}) < 4.0


@pytest.fixture
def small_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score a crop that VGG16 judges quickly."""
    monkeypatch.setattr(time_steps, "SCORED_SIDE", 48)


@pytest.mark.usefixtures("small_score")
def test_a_probe_times_every_run_at_least_once(change: Change) -> None:
    settings = change(
        {"scales": [2, 3], "train.patch_size": 24, "train.batch_size": 3, "train.micro_batch": 2}
    )
    rates = measure_rates(settings, single_process_fabric(settings), 0)
    assert sorted(rates.step) == [(2, "mse"), (2, "perceptual"), (3, "mse"), (3, "perceptual")]
    assert min(rates.score, rates.dists, *rates.step.values()) > 0


@pytest.mark.usefixtures("small_score")
def test_the_tool_prints_a_plan_that_ends_with_the_time_and_writes_nothing(
    change: Change,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = change({"scales": [2], "train.batch_size": 2, "train.patch_size": 16})
    (tmp_path / "datasets").symlink_to(Path("datasets").resolve())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan, "BUDGET", 0.0)
    before = sorted(tmp_path.iterdir())
    plan.main(settings)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sample: 9 train and 7 val images, 6 megapixels"
    assert [line.split()[1:4] for line in lines if line.startswith("train_mse@2")] == [
        ["4", "360", "1,440"]
    ]
    assert lines[-1].startswith("about ")
    assert sorted(tmp_path.iterdir()) == before
