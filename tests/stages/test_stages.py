"""The stages as a user runs them, tested by the files that they write."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ruamel.yaml import YAML

from srcnn.analysis.results import kept_epoch, read_curve
from srcnn.images.image_io import RGB8, crop_to_multiple, read_rgb, write_png
from srcnn.images.resize import imresize
from srcnn.models.tensors import Weights, read_tensors, write_tensors
from srcnn.utils.yaml_files import read_yaml
from tests.stage_process import run_stage

Picture = Callable[..., RGB8]

SMALL = {
    "scales": [2, 4],
    "data.source": "folder",
    "data.root": "photos",
    "train.patch_size": 16,
}


@dataclass(frozen=True)
class Workspace:
    """A folder with its own params.yaml in which stages run."""

    project: Path
    folder: Path

    def set(self, **changes: Any) -> None:
        """Write the committed params.yaml with settings changed, by dotted name."""
        yaml = YAML()
        values = yaml.load(self.project / "params.yaml")
        for name, value in (SMALL | changes).items():
            *sections, last = name.split(".")
            section = values
            for part in sections:
                section = section[part]
            section[last] = value
        yaml.dump(values, self.folder / "params.yaml")

    def run(self, stage: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a stage with a home folder of its own."""
        return run_stage(
            stage,
            *options,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder / "home")},
        )

    def files(self, folder: str) -> list[str]:
        """Paths in the workspace of all files in a folder, except hidden ones."""
        paths = [path.relative_to(self.folder) for path in (self.folder / folder).rglob("*.*")]
        return sorted(str(path) for path in paths if "/." not in f"/{path}")


@pytest.fixture
def workspace(project: Path, tmp_path: Path, picture: Picture) -> Workspace:
    """Two training photographs and one for validation, and settings that use them."""
    for name, size in (("train/a", (37, 42)), ("train/b", (33, 50)), ("val/c", (40, 48))):
        write_png(tmp_path / f"photos/{name}.png", picture(*size, phase=len(name)))
    (tmp_path / "datasets").symlink_to(project / "datasets")
    made = Workspace(project, tmp_path)
    made.set()
    return made


def write_images(workspace: Workspace, *scales: int) -> None:
    """Write what fetch_data and degrade make, without running them."""
    for number, (split, name) in enumerate((("train", "a"), ("train", "b"), ("val", "c")), start=1):
        image = read_rgb(workspace.folder / f"photos/{split}/{name}.png")
        hr = crop_to_multiple(image, 4)
        write_png(workspace.folder / f"data/hr/{split}/{number:04d}.png", hr)
        for scale in scales:
            lr = workspace.folder / f"data/lr/x{scale}/{split}/{number:04d}x{scale}.png"
            write_png(lr, imresize(hr, 1 / scale))


def assert_refused(run: "subprocess.CompletedProcess[str]", *named: str) -> None:
    """Check for exit status 1 and one line on stderr: `error:` and the words given."""
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("error: ")
    for name in named:
        assert name in lines[0]


def test_photographs_of_a_folder_are_copied_and_degraded(workspace: Workspace) -> None:
    fetched = workspace.run("fetch_data")
    assert (fetched.returncode, fetched.stderr) == (0, "")
    assert workspace.files("data") == [
        "data/hr/index.csv",
        "data/hr/train/0001.png",
        "data/hr/train/0002.png",
        "data/hr/val/0003.png",
        "data/validation.csv",
    ]
    degraded = workspace.run("degrade", "--scale", "4")
    assert degraded.returncode == 0, degraded.stderr
    assert workspace.files("data/lr") == [
        "data/lr/x4/train/0001x4.png",
        "data/lr/x4/train/0002x4.png",
        "data/lr/x4/val/0003x4.png",
    ]
    hr = read_rgb(workspace.folder / "data/hr/train/0001.png")
    lr = read_rgb(workspace.folder / "data/lr/x4/train/0001x4.png")
    assert hr.shape == (36, 40, 3)
    np.testing.assert_array_equal(lr, imresize(hr, 1 / 4))


def test_sides_are_cropped_to_the_least_common_multiple_of_the_scales(
    workspace: Workspace,
) -> None:
    workspace.set(**{"scales": [2, 3, 4], "train.patch_size": 48})
    assert workspace.run("fetch_data").returncode == 0
    hr = read_rgb(workspace.folder / "data/hr/train/0002.png")
    assert hr.shape == (24, 48, 3)


def test_converted_and_skipped_files_are_reported(workspace: Workspace) -> None:
    write_png(workspace.folder / "photos/train/grey.png", np.zeros((20, 20), np.uint8))
    (workspace.folder / "photos/train/phone.heic").write_bytes(b"")
    run = workspace.run("fetch_data")
    assert run.returncode == 0
    assert [line for line in run.stdout.splitlines() if "grey" in line] == [
        "grey kept as 8-bit grey, whose values are scored as Y: grey.png",
        "suspicious: 0003 (grey.png): tiny (20×20), constant colour",
    ]
    assert "*.bmp, *.avif, *.mpo: train/phone.heic" in run.stdout


def test_a_missing_root_is_refused_and_nothing_written(workspace: Workspace) -> None:
    workspace.set(**{"data.root": "nowhere"})
    assert_refused(workspace.run("fetch_data"), "nowhere")
    assert workspace.files("data") == []


def test_the_error_of_a_missing_root_names_the_setting(workspace: Workspace) -> None:
    workspace.set(**{"data.root": "nowhere"})
    assert_refused(workspace.run("fetch_data"), "data.root", "nowhere/train")


@pytest.mark.parametrize("content", [b"", b"words", None], ids=["empty", "words", "cut short"])
def test_a_damaged_image_is_refused_and_no_partial_file_left(
    workspace: Workspace, content: bytes | None
) -> None:
    path = workspace.folder / "photos/train/b.png"
    path.write_bytes(path.read_bytes()[:500] if content is None else content)
    assert_refused(workspace.run("fetch_data"), "photos/train/b.png")
    for name in workspace.files("data"):
        assert name.endswith(".png")  # no index of an incomplete set, no temporary file
        read_rgb(workspace.folder / name)


def test_an_image_smaller_than_the_crop_is_refused(workspace: Workspace, picture: Picture) -> None:
    write_png(workspace.folder / "photos/val/tiny.png", picture(3, 40))
    assert_refused(workspace.run("fetch_data"), "photos/val/tiny.png", "40×3")


def test_a_scale_that_the_settings_do_not_list_is_refused(workspace: Workspace) -> None:
    write_images(workspace)
    before = workspace.files("data")
    assert_refused(workspace.run("degrade", "--scale", "3"), "--scale 3", "2, 4")
    assert workspace.files("data") == before


def test_wrong_settings_are_refused_first(workspace: Workspace) -> None:
    workspace.set(**{"train.lr": "fast", "loss.lambda1": -1})
    assert_refused(workspace.run("fetch_data"), "params.yaml", "train.lr", "loss.lambda1")
    assert workspace.files("data") == []


def test_the_error_of_missing_settings_says_where_to_run(workspace: Workspace) -> None:
    (workspace.folder / "params.yaml").unlink()
    assert_refused(workspace.run("fetch_data"), "params.yaml", "project's folder")


def test_degrading_without_images_is_refused(workspace: Workspace) -> None:
    assert_refused(workspace.run("degrade", "--scale", "2"), "data/hr")
    assert workspace.files("data") == []


def test_a_damaged_hr_image_stops_degrading_with_one_error_line(workspace: Workspace) -> None:
    write_images(workspace)
    path = workspace.folder / "data/hr/train/0002.png"
    path.write_bytes(path.read_bytes()[:200])
    run = workspace.run("degrade", "--scale", "2")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    # The progress bar is on stderr too; it ends its line before the error starts one.
    lines = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert run.stderr.endswith(f"{lines[0]}\n")
    assert "data/hr/train/0002.png" in lines[0]
    for name in workspace.files("data/lr"):
        read_rgb(workspace.folder / name)
        assert "/." not in name


def test_missing_weights_are_refused_and_nothing_written(workspace: Workspace) -> None:
    workspace.set(**{"loss.weights_file": "my/vgg.pth"})
    assert_refused(workspace.run("fetch_weights"), "loss.weights_file", "my/vgg.pth")
    assert workspace.files("data") == []


def test_weights_are_stored_as_safetensors(workspace: Workspace) -> None:
    run = workspace.run("fetch_weights")
    assert (run.returncode, run.stderr) == (0, "")
    assert workspace.files("data") == [
        "data/weights/judges_vgg16.safetensors",
        "data/weights/lpips.safetensors",
        "data/weights/vgg.safetensors",
    ]
    assert workspace.files("home") == []  # weights of installed packages are not cached


def test_without_the_setting_no_published_network_is_stored(workspace: Workspace) -> None:
    run = workspace.run("fetch_authors")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert list((workspace.folder / "data/authors").iterdir()) == []


def test_the_published_networks_are_stored_as_safetensors(
    workspace: Workspace, assets: Path
) -> None:
    workspace.set(**{"evaluate.authors": True, "data.cache_dir": str(assets / "authors")})
    run = workspace.run("fetch_authors")
    assert (run.returncode, run.stderr) == (0, "")
    assert workspace.files("data") == [
        "data/authors/mse.safetensors",
        "data/authors/perceptual.safetensors",
    ]
    manifest = read_yaml(workspace.folder / "datasets/authors.yaml")
    for loss, network in manifest["networks"].items():
        weights, about = read_tensors(workspace.folder / f"data/authors/{loss}.safetensors")
        assert weights["features.weight"].shape == (64, 3, 9, 9)
        expected = {"origin": network["url"], "sha256": network["sha256"], "licence": "MIT"}
        assert about == expected


def test_training_images_smaller_than_a_patch_are_refused_and_no_model_written(
    workspace: Workspace,
) -> None:
    write_images(workspace, 2)
    workspace.set(**{"train.patch_size": 64})
    run = workspace.run("train", "--scale", "2", "--loss", "mse")
    assert_refused(run, "0001", "train.patch_size: 64")
    assert workspace.files("models") == workspace.files("metrics") == []


@pytest.mark.parametrize(
    "change", [{"loss.layers": {"block3_conv1": 1.0}}, {"loss.network": "vgg19"}]
)
def test_stored_weights_of_other_settings_are_refused_and_no_model_written(
    workspace: Workspace, vgg16: Weights, change: dict[str, Any]
) -> None:
    # DVC fetches them again after such a change; someone who runs the stages by hand may not.
    write_images(workspace, 2)
    vgg = workspace.folder / "data/weights/vgg.safetensors"
    write_tensors(vgg16, vgg, {"origin": "here", "network": "vgg16"})
    small = {"train.patch_size": 16, "train.patches_per_image": 2, "train.epochs.perceptual": 1}
    workspace.set(**small, **change)
    run = workspace.run("train", "--scale", "2", "--loss", "perceptual")
    assert_refused(run, "data/weights/vgg.safetensors")
    assert workspace.files("models") == workspace.files("metrics") == []


@pytest.mark.parametrize(
    ("keep", "said"), [("best", ", 1 chose the epoch"), ("last", ", 1 set aside")]
)
def test_an_exported_network_says_which_epoch_it_is_from(
    workspace: Workspace, keep: str, said: str
) -> None:
    write_images(workspace, 2)
    for folder, name in (("data/hr", "0002.png"), ("data/lr/x2", "0002x2.png")):
        source = workspace.folder / folder / "train" / name
        (workspace.folder / folder / "select").mkdir()
        source.rename(workspace.folder / folder / "select" / name)
    index = "image,split,name\n0001,train,a\n0002,select,b\n0003,val,c\n"
    (workspace.folder / "data/hr/index.csv").write_text(index)
    small = {"train.patches_per_image": 2, "train.epochs.mse": 2}
    workspace.set(**small, **{"data.select": 1, "train.keep": keep})
    trained = workspace.run("train", "--scale", "2", "--loss", "mse")
    assert trained.returncode == 0, trained.stderr
    models = workspace.folder / "models/x2"
    shutil.copy(models / "mse.safetensors", models / "perceptual.safetensors")
    exported = workspace.run("export", "--scale", "2")
    assert exported.returncode == 0, exported.stderr
    network = onnx.load(workspace.folder / "exported/x2/mse.onnx")
    about = {entry.key: entry.value for entry in network.metadata_props}
    assert about["data"].endswith(said)
    curve = read_curve(workspace.folder / "metrics/training/x2_mse.csv")
    expected = f"{kept_epoch(curve) + 1} of 2" if keep == "best" else "2"
    assert about["epochs"] == expected


def test_a_network_of_the_authors_code_is_not_exported(workspace: Workspace) -> None:
    workspace.set(**{"model.code": "authors_view", "train.patch_size": None})
    run = workspace.run("export", "--scale", "2")
    assert (run.returncode, run.stderr) == (0, "")
    assert workspace.files("exported") == ["exported/x2/README.txt"]
    note = (workspace.folder / "exported/x2/README.txt").read_text(encoding="utf-8")
    assert "model.code: authors_view" in note


def test_evaluating_without_models_is_refused_and_nothing_written(workspace: Workspace) -> None:
    write_images(workspace, 2)
    run = workspace.run("evaluate", "--scale", "2")
    assert_refused(run, "models/x2/mse.safetensors")
    assert workspace.files("metrics") == workspace.files("data/sr") == []


@pytest.mark.parametrize(
    "options",
    [(), ("--scale", "two"), ("--scale", "2", "--loss", "mse")],
    ids=["no options", "a scale in words", "an unknown option"],
)
def test_a_wrong_command_line_prints_the_usage(
    workspace: Workspace, options: tuple[str, ...]
) -> None:
    run = workspace.run("degrade", *options)
    assert run.returncode == 2
    assert run.stderr.startswith("usage: ")
    assert "Traceback" not in run.stderr


def test_a_stage_also_runs_as_a_script(project: Path) -> None:
    command = [sys.executable, "stages/degrade.py", "--help"]
    run = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "--scale" in run.stdout
