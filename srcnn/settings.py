"""`params.yaml` as typed, frozen objects: read once, unknown keys and wrong types refused."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_cache_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    StrictInt,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from srcnn.errors import InputError
from srcnn.utils.methods import METHODS
from srcnn.utils.validation import error_line
from srcnn.utils.yaml_files import read_yaml

SCALES = (2, 3, 4, 8)
PARAMS = Path("params.yaml")

_CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}  # in each block
VGG_LAYERS = {
    network: tuple(f"block{i}_conv{j + 1}" for i, n in enumerate(blocks, 1) for j in range(n))
    for network, blocks in _CONVOLUTIONS.items()
}
"""Layer names by network, as in Keras; a table, as importing torchvision takes seconds."""

PIXEL_LOSSES = ("mse", "l1", "charbonnier")
"""Each is a function of its name in srcnn/training/losses.py, `l1_loss`."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _size(value: Any) -> Any:
    """YAML's list of two lengths as a tuple."""
    if value in (None, "most_common"):
        return value
    whole = isinstance(value, list) and all(type(length) is int for length in value)
    if whole and len(value) == 2 and min(value) > 0:
        return tuple(value)
    raise PydanticCustomError("size", "A width and a height are needed, such as [2040, 1356]")


def _home(folder: str) -> str:
    """A path with `~` or `~user` at its beginning replaced by the home folder."""
    try:
        return str(Path(folder).expanduser())
    except RuntimeError:
        raise PydanticCustomError("folder", "No user has such a home folder") from None


UserPath = Annotated[str, Field(min_length=1), AfterValidator(_home)]


class Data(_Section):
    """Where the photographs come from, and which of them are taken."""

    source: Literal["sample", "folder", "div2k"]
    root: UserPath | None
    manifest: Annotated[str, Field(min_length=1)]
    base_url: Annotated[str, Field(pattern="^https?://")] | None
    cache_dir: UserPath | None
    lr: Literal["generate", "official"]
    train_images: PositiveInt | None
    val_images: PositiveInt | None
    same_size: Annotated[tuple[int, int] | Literal["most_common"] | None, BeforeValidator(_size)]
    validate_: Annotated[bool, Field(alias="validate")]

    @property
    def cache(self) -> Path:
        """The folder that keeps downloads."""
        return Path(self.cache_dir) if self.cache_dir else user_cache_path("srcnn")

    @model_validator(mode="after")
    def _source_is_complete(self) -> Self:
        if self.source == "folder" and not self.root:
            raise ValueError("root: source folder needs a folder here that holds train/ and val/")
        if self.lr == "official" and self.source != "div2k":
            raise ValueError("lr: official LR images are known for source: div2k alone")
        return self


class Model(_Section):
    """The network's one choice that the paper leaves open."""

    upsampling: Literal["bicubic", "bilinear"]
    init: Literal["identity", "random"]


class Epochs(_Section):
    """Epochs per loss, each of `patches_per_image` patches from every image."""

    mse: PositiveInt
    perceptual: PositiveInt


class Augment(_Section):
    """Random changes to a training patch."""

    geometry: bool
    colour: bool


def _word(value: Any) -> Any:
    """YAML's 32 is a number."""
    return str(value) if type(value) is int else value


class Train(_Section):
    """How a network is trained."""

    batch_size: PositiveInt
    patch_size: PositiveInt | None
    patches_per_image: PositiveInt
    lr: PositiveFloat
    schedule: Literal["constant", "cosine", "one_cycle"]
    epochs: Epochs
    augment: Augment
    clip_norm: PositiveFloat | None
    micro_batch: PositiveInt | None
    precision: Annotated[Literal["auto", "32", "bf16"], BeforeValidator(_word)]
    compile: Literal["auto", "always", "never"]
    deterministic: bool
    devices: PositiveInt
    nodes: PositiveInt
    log: Literal["lines", "tensorboard"]


class Loss(_Section):
    """Eq. 2 and 3: λ1, λ2, the VGG layers with their λ_j, and where VGG comes from."""

    pixel: str
    lambda1: NonNegativeFloat
    lambda2: NonNegativeFloat
    layers: dict[str, NonNegativeFloat]
    network: Literal["vgg19", "vgg16"]
    weights_file: UserPath | None
    balance: Literal["bicubic", "none"]

    @model_validator(mode="after")
    def _lambdas_weigh_something(self) -> Self:
        if self.pixel not in PIXEL_LOSSES:
            raise ValueError(f"pixel: {self.pixel} is none of {', '.join(PIXEL_LOSSES)}")
        if self.lambda1 == 0 and self.lambda2 == 0:
            raise ValueError("lambda1 and lambda2 are both 0: there is nothing to minimise")
        if not self.layers:
            raise ValueError("layers: at least one layer is needed, such as block2_conv2: 1.0")
        for layer in self.layers:
            if layer not in VGG_LAYERS[self.network]:
                known = ", ".join(VGG_LAYERS[self.network])
                raise ValueError(f"layers: {self.network} has no {layer}; it has {known}")
        if self.lambda2 > 0 and not any(self.layers.values()):
            raise ValueError("layers: every λ_j is 0, so lambda2 weighs nothing")
        return self


class Evaluate(_Section):
    """What is scored besides the val images: folders of HR images by the set's name."""

    benchmarks: dict[str, UserPath]

    @model_validator(mode="after")
    def _names_are_plain(self) -> Self:
        for name in self.benchmarks:
            if not re.fullmatch(r"[\w-]+", name, re.ASCII):
                raise ValueError(f"benchmarks: {name!r} is no name of letters, digits, - and _")
        return self


class Settings(_Section):
    """All of `params.yaml`."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    portable: bool
    scales: Annotated[tuple[StrictInt, ...], Field(min_length=1, strict=False)]
    data: Data
    model: Model
    train: Train
    loss: Loss
    variants: dict[str, dict[str, Any]]
    evaluate: Evaluate

    @property
    def losses(self) -> tuple[str, ...]:
        """Names of the trained models of a scale: `mse`, `perceptual`, then the variants."""
        return "mse", "perceptual", *self.variants

    def loss_of(self, model: str) -> Loss | None:
        """What a model of `losses` is trained with: None for `mse`, which has Eq. 1 alone."""
        if model == "mse":
            return None
        changes = self.variants.get(model, {})
        return Loss.model_validate(self.loss.model_dump() | changes)

    def epochs_of(self, model: str) -> int:
        """For how long a model of `losses` is trained; without a perceptual term as the MSE's."""
        loss = self.loss_of(model)
        alone = model in self.variants and loss is not None and loss.lambda2 == 0
        return self.train.epochs.mse if model == "mse" or alone else self.train.epochs.perceptual

    @model_validator(mode="after")
    def _variants_are_losses(self) -> Self:
        for name in self.variants:
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or name.startswith("-"):
                raise ValueError(
                    f"variants: {name!r}: use letters, digits, _ and - only, and no - at the start"
                )
            if name in (*METHODS, "hr"):
                raise ValueError(f"variants: {name} is the name of something else already")
            try:
                self.loss_of(name)
            except ValidationError as error:
                raise ValueError(f"variants.{name}.{error_line(error)}") from None
        return self

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.portable and self.train.precision == "bf16":
            raise ValueError("portable: bf16 is not; set portable: false or train.precision: 32")
        if self.portable and self.train.compile == "always":
            raise ValueError("portable: what is compiled is not; set portable: false")
        if len(set(self.scales)) < len(self.scales):
            raise ValueError("scales: a scale is listed twice")
        for scale in self.scales:
            if scale not in SCALES:
                raise ValueError(f"scales: {scale} is none of {', '.join(map(str, SCALES))}")
            if self.train.patch_size is not None and self.train.patch_size % scale:
                raise ValueError(
                    f"train.patch_size: {self.train.patch_size} is no multiple of scale {scale}"
                )
        return self


def read_settings(path: Path = PARAMS) -> Settings:
    """Read and check a params file.

    Raises:
        InputError: the file is missing or not YAML, or one of its settings is unknown or wrong.
    """
    values = read_yaml(path, "run from the project's folder")
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {error_line(error)}") from None
