import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from srcnn.errors import InputError
from srcnn.settings import Settings, read_settings
from srcnn.utils.methods import AUTHORS_METHODS, METHODS

OneLine = Callable[[Any], str]
MISSING = object()


@pytest.fixture
def params(project: Path, tmp_path: Path) -> Callable[..., Path]:
    """A writer of the committed params.yaml with settings changed, by dotted name."""

    def write(**changes: Any) -> Path:
        yaml = YAML()
        values = yaml.load(project / "params.yaml")
        for name, value in changes.items():
            *sections, last = name.split(".")
            section = values
            for part in sections:
                section = section[part]
            if value is MISSING:
                del section[last]
            else:
                section[last] = value
        yaml.dump(values, tmp_path / "params.yaml")
        return tmp_path / "params.yaml"

    return write


def test_reading_settings_imports_no_large_package(project: Path) -> None:
    large = ("torch", "torchvision", "numpy", "pandas", "PIL", "scipy")
    code = f"import sys, srcnn.settings; sys.exit(str([m for m in {large} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


def test_the_committed_params_file_loads(project: Path) -> None:
    settings = read_settings(project / "params.yaml")
    assert settings.data.source == "sample"  # a fresh clone needs nothing from elsewhere
    assert settings.loss.lambda1 == 0.1
    assert settings.loss.lambda2 == 0.9
    assert settings.loss.layers == {"block2_conv2": 1.0}


def test_the_file_in_the_working_folder_is_read_where_no_other_is_named(
    params: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(params(seed=77).parent)
    assert read_settings().seed == 77


@pytest.mark.parametrize("written", ["1e-05", "1e-5", "0.00001", "1.0e-05"])
def test_a_learning_rate_can_have_every_number_format_of_yaml_1_2(
    params: Callable[..., Path], written: str
) -> None:
    path = params(**{"train.lr": 0.123})
    path.write_text(path.read_text().replace("lr: 0.123", f"lr: {written}"))
    assert read_settings(path).train.lr == 1e-5


@pytest.mark.parametrize(
    "change",
    [
        {"scales": [3], "train.patch_size": 48},
        {"scales": [8, 2]},
        {"data.source": "folder", "data.root": "photos"},
        {"data.source": "div2k", "data.lr": "official"},
        {"data.base_url": "http://localhost:8000/sets"},
        {"data.same_size": [2040, 1356], "data.train_images": 49, "data.val_images": 7},
        {"data.same_size": "most_common"},
        {"train.patch_size": None},
        {"train.lr": 1},
        {"loss.lambda1": 0},
        {"loss.lambda2": 0},
        {"loss.network": "vgg19", "loss.layers": {"block3_conv4": 1.0, "block1_conv2": 0.5}},
        {"loss.weights_file": "weights/vgg.pth"},
        {"loss.balance": "none"},
        {"model.upsampling": "bilinear"},
        {"portable": False, "train.precision": "bf16"},
        {"portable": False, "train.compile": "always"},
        {"train.precision": "32", "train.compile": "never"},
        {"train.clip_norm": 1.0, "train.micro_batch": 1},
        {"train.devices": 8, "train.nodes": 2, "train.log": "tensorboard"},
        {"evaluate.benchmarks": {"Set5": "sets/Set5/HR", "my_own-2": "/sets/mine"}},
        {"evaluate.authors": True, "scales": [4]},
        {"model.code": "authors_view", "train.patch_size": None},
        {"model.code": "authors_permute", "train.patch_size": None},
    ],
)
def test_valid_settings_are_accepted(params: Callable[..., Path], change: dict[str, Any]) -> None:
    settings: Any = read_settings(params(**change))
    for name, value in change.items():
        found = settings
        for part in name.split("."):
            found = getattr(found, part)
        assert found == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("surprise", 1),
        ("train.surprise", 1),
        ("train.epochs.surprise", 1),
        ("seed", MISSING),
        ("train", MISSING),
        ("train.lr", MISSING),
        ("train.epochs.mse", MISSING),
        ("train", None),
        ("train.epochs", 3),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", True),
        ("seed", "one"),
        ("seed", 10**30),
        ("scales", []),
        ("scales", 2),
        ("scales", [5]),
        ("scales", ["2"]),
        ("scales", [2, 2]),
        ("scales", [2.0]),
        ("data.source", "web"),
        ("data.root", 7),
        ("data.root", "~nobody-of-this-name/photos"),
        ("data.base_url", "ftp://example.org"),
        ("data.manifest", None),
        ("data.train_images", 0),
        ("data.validate", "yes"),
        ("train.batch_size", 0),
        ("train.clip_norm", 0),
        ("train.compile", True),
        ("train.devices", 0),
        ("train.log", "print"),
        ("train.micro_batch", 0),
        ("train.batch_size", 2.0),
        ("train.patch_size", 65),
        ("train.patch_size", 0),
        ("train.patch_size", "whole"),
        ("train.lr", 0),
        ("train.lr", -0.1),
        ("train.lr", "fast"),
        ("portable", "yes"),
        ("train.lr", True),
        ("train.lr", math.inf),
        ("train.lr", math.nan),
        ("train.schedule", "linear"),
        ("train.epochs.mse", 0),
        ("train.augment.colour", 1),
        ("train.precision", "16"),
        ("model.upsampling", "nearest"),
        ("model.code", "authors"),
        ("loss.lambda1", -0.1),
        ("loss.lambda2", -1),
        ("loss.lambda1", math.nan),
        ("loss.lambda2", math.inf),
        ("loss.layers", {}),
        ("loss.layers", ["block2_conv2"]),
        ("loss.layers", {"block2_conv2": 0.0}),
        ("loss.network", "vgg11"),
        ("evaluate", MISSING),
        ("evaluate.surprise", 1),
        ("evaluate.benchmarks", None),
        ("evaluate.benchmarks", ["Set5"]),
        ("evaluate.authors", "yes"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_that_names_it(
    params: Callable[..., Path], one_line: OneLine, name: str, value: Any
) -> None:
    path = params(**{name: value})
    with pytest.raises(InputError) as caught:
        read_settings(path)
    assert one_line(caught).startswith(f"{path}: {name}")
    rest = one_line(caught).removeprefix(f"{path}: {name}")
    assert rest.startswith((": ", ".0: ")), f"the name runs on into the message: {rest!r}"


@pytest.mark.parametrize("change", [{"train.precision": "bf16"}, {"train.compile": "always"}])
def test_portable_refuses_arithmetic_that_differs_between_cpus(
    params: Callable[..., Path], one_line: OneLine, change: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="portable: false"):
        read_settings(params(**change))


def test_an_unknown_setting_is_called_unknown_and_a_missing_one_missing(
    params: Callable[..., Path], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"train.surprise": 1, "train.lr": MISSING}))
    assert "train.surprise: unknown setting" in one_line(caught)
    assert "train.lr: is missing" in one_line(caught)


def test_lambdas_that_are_both_zero_are_refused(
    params: Callable[..., Path], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"loss.lambda1": 0.0, "loss.lambda2": 0.0}))
    assert "loss.lambda1" in one_line(caught)
    assert "lambda2" in one_line(caught)
    assert "both 0" in one_line(caught)


@pytest.mark.parametrize(
    ("network", "layer", "known"),
    [
        ("vgg16", "block9_conv1", "block5_conv3"),
        ("vgg16", "block3_conv4", "block3_conv3"),
        ("vgg19", "conv2_2", "block5_conv4"),
    ],
)
def test_an_unknown_layer_is_named_with_the_known_ones(
    params: Callable[..., Path], one_line: OneLine, network: str, layer: str, known: str
) -> None:
    path = params(**{"loss.network": network, "loss.layers": {layer: 1.0}})
    with pytest.raises(InputError) as caught:
        read_settings(path)
    message = one_line(caught)
    assert "loss.layers" in message
    assert f"{network} has no {layer}" in message
    assert known in message


@pytest.mark.parametrize("value", [-1.0, math.inf, math.nan, "one"])
def test_a_wrong_weight_of_a_layer_names_the_layer(
    params: Callable[..., Path], one_line: OneLine, value: Any
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"loss.layers": {"block2_conv2": value}}))
    assert "loss.layers.block2_conv2: " in one_line(caught)


def test_a_patch_that_a_scale_does_not_divide_is_refused_with_the_scale(
    params: Callable[..., Path], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"scales": [2, 3], "train.patch_size": 64}))
    assert "train.patch_size: 64 is not a multiple of scale 3" in one_line(caught)


@pytest.mark.parametrize("source", ["archives", "div2k"])
def test_official_lr_images_need_a_source_of_archives(
    params: Callable[..., Path], one_line: OneLine, source: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"data.lr": "official"}))
    assert "data.lr: official" in one_line(caught)
    assert "source: archives" in one_line(caught)
    data = read_settings(params(**{"data.lr": "official", "data.source": source})).data
    assert data.in_archives


@pytest.mark.parametrize(
    "size", [[2040], [2040, 0], [2040, "1356"], [2040, 1356, 3], "largest", 2040, [True, True]]
)
def test_an_invalid_size_is_refused_with_an_example(
    params: Callable[..., Path], one_line: OneLine, size: Any
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"data.same_size": size}))
    message = one_line(caught)
    assert "data.same_size: give a width and a height, such as [2040, 1356]" in message


def test_downloads_are_kept_in_the_users_cache_unless_another_folder_is_named(
    params: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert read_settings(params()).data.cache == tmp_path / "caches/srcnn"
    other = params(**{"data.cache_dir": "~/downloads", "data.root": "~/photos"})
    assert read_settings(other).data.cache == tmp_path / "home/downloads"
    assert read_settings(other).data.root == str(tmp_path / "home/photos")
    sets = read_settings(params(**{"evaluate.benchmarks": {"Set5": "~/Set5"}})).evaluate.benchmarks
    assert sets == {"Set5": str(tmp_path / "home/Set5")}


@pytest.mark.parametrize("name", ["Set 5", "", "a/b", "été", "a\n", "a.b", "a|b", "-a"])
def test_a_benchmark_set_has_a_plain_name(
    params: Callable[..., Path], one_line: OneLine, name: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"evaluate.benchmarks": {name: "sets/a"}}))
    assert f"evaluate.benchmarks: {name!r}: use letters" in one_line(caught)


@pytest.mark.parametrize("folder", [None, 5, "", "~nobody-of-this-name/Set5"])
def test_a_benchmark_set_has_a_folder(
    params: Callable[..., Path], one_line: OneLine, folder: Any
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"evaluate.benchmarks": {"Set5": folder}}))
    assert "evaluate.benchmarks.Set5: " in one_line(caught)


@pytest.mark.parametrize("root", [None, ""])
def test_a_folder_source_without_a_root_is_refused(
    params: Callable[..., Path], one_line: OneLine, root: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"data.source": "folder", "data.root": root}))
    assert "data.root" in one_line(caught)


def test_the_published_networks_need_their_scale(
    params: Callable[..., Path], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"evaluate.authors": True, "scales": [2]}))
    assert "evaluate.authors: the published networks are for ×4" in one_line(caught)
    assert "scales" in one_line(caught)


@pytest.mark.parametrize("code", ["authors_view", "authors_permute"])
def test_the_authors_code_has_its_own_upsampling(
    params: Callable[..., Path], one_line: OneLine, code: str
) -> None:
    path = params(**{"model.code": code, "model.upsampling": "bilinear"})
    with pytest.raises(InputError) as caught:
        read_settings(path)
    message = one_line(caught)
    assert message.startswith(f"{path}: model")
    assert "upsampling" in message
    assert code in message
    assert "set it to bicubic" in message


def test_the_authors_code_needs_whole_images(
    params: Callable[..., Path], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"model.code": "authors_view", "train.patch_size": 48}))
    assert "train.patch_size: authors_view needs whole images; set it to null" in one_line(caught)


@pytest.mark.parametrize(
    "content",
    [b"seed: [1", b"seed: 1\n\tscales: 2", b"\xff\xfe\x00", b"seed: \xe9", b"seed: 1\nseed: 2\n"],
)
def test_invalid_yaml_is_refused_in_one_line(
    tmp_path: Path, one_line: OneLine, content: bytes
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_settings(path)
    assert one_line(caught).startswith(f"{path}: not valid YAML: ")


@pytest.mark.parametrize("content", ["", "# nothing\n", "just words", "- 1\n- 2\n"])
def test_a_file_without_settings_is_refused_in_one_line(
    tmp_path: Path, one_line: OneLine, content: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_settings(path)
    message = one_line(caught)
    assert message.startswith(f"{path}: ")
    assert not message.startswith(f"{path}: :"), f"a name is left out: {message}"


def test_code_in_yaml_is_refused(tmp_path: Path, one_line: OneLine) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("seed: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(InputError) as caught:
        read_settings(path)
    assert str(path) in one_line(caught)


def test_a_missing_file_is_named(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(tmp_path / "none.yaml")
    assert str(tmp_path / "none.yaml") in one_line(caught)


def test_settings_cannot_be_changed_once_read(project: Path) -> None:
    settings = read_settings(project / "params.yaml")
    assert isinstance(settings, Settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.seed = 2


# Variants


def test_a_variant_is_the_loss_with_its_changes(params: Callable[..., Path]) -> None:
    changes = {"deep": {"layers": {"block3_conv3": 1}}, "l1": {"pixel": "l1", "lambda2": 0}}
    settings = read_settings(params(variants=changes, **{"train.epochs.mse": 9}))
    assert settings.losses == ("mse", "perceptual", "deep", "l1")
    assert settings.loss_of("mse") is None
    assert settings.loss_of("perceptual") == settings.loss
    deep, l1 = settings.loss_of("deep"), settings.loss_of("l1")
    assert deep == settings.loss.model_copy(update={"layers": {"block3_conv3": 1.0}})
    assert l1 == settings.loss.model_copy(update={"pixel": "l1", "lambda2": 0.0})
    epochs = settings.train.epochs
    assert epochs.mse != epochs.perceptual
    assert settings.epochs_of("deep") == settings.epochs_of("perceptual") == epochs.perceptual
    assert settings.epochs_of("l1") == settings.epochs_of("mse") == epochs.mse


@pytest.mark.parametrize(
    ("variants", "names"),
    [
        ({"deep": {"layer": {}}}, "variants.deep.layer: unknown setting"),
        ({"deep": {"layers": {"block9_conv9": 1}}}, "variants.deep.layers: vgg16 has no block9"),
        ({"deep": {"lambda1": "much"}}, "variants.deep.lambda1"),
        ({"mine": {"pixel": "l3"}}, "variants.mine.pixel"),
        ({"deep": {"a": 1, "b": 1}}, "variants.deep.b: unknown setting"),
        ({"deep": 3}, "variants.deep"),
        ({"a b": {}}, "variants: 'a b'"),
        ({"../x": {}}, "variants: '../x'"),
        ({"a; touch x; true": {}}, "variants: 'a; touch x; true'"),
        ({"a$(touch x)": {}}, "use letters, digits, _ and - only"),
        ({"a\n": {}}, "variants: 'a"),
        ({"-a": {}}, "not - first"),
        ({"bicubic": {"lambda1": 1}}, "variants: bicubic"),
        ({"hr": {"lambda1": 1}}, "variants: hr"),
        (["deep"], "variants"),
    ],
)
def test_an_invalid_variant_is_refused_by_name(
    params: Callable[..., Path], one_line: OneLine, variants: Any, names: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(variants=variants))
    assert names in one_line(caught)


@pytest.mark.parametrize("method", [*METHODS, *AUTHORS_METHODS])
def test_a_variant_cannot_have_the_name_of_a_method(
    params: Callable[..., Path], method: str
) -> None:
    with pytest.raises(InputError, match=f"variants: {method} "):
        read_settings(params(variants={method: {"lambda1": 1.0}}))


def test_the_best_epoch_needs_images_that_are_not_scored(
    params: Callable[..., Path], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(params(**{"train.keep": "best"}))
    assert "train.keep" in one_line(caught)
    assert "data.select" in one_line(caught)
    read_settings(params(**{"train.keep": "best", "data.select": 2}))
