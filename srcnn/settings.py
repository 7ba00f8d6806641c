"""`params.yaml` as typed, frozen objects. Unknown keys and wrong types are errors."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_cache_path
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    StrictInt,
    ValidationError,
    model_validator,
)

from srcnn.utils.methods import AUTHORS_METHODS, AUTHORS_SCALE, METHODS, ModelCode
from srcnn.utils.setting_types import Count, SameSize, UserPath, check_name
from srcnn.utils.yaml_files import error_line, read_model

SCALES = (2, 3, 4, 8)
PARAMS = Path("params.yaml")

VGG_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}  # convolutions per block
VGG_LAYERS = {
    network: tuple(f"block{i}_conv{j + 1}" for i, n in enumerate(blocks, 1) for j in range(n))
    for network, blocks in VGG_BLOCKS.items()
}
"""Layer names by network, as in Keras; a table, as importing torch takes seconds."""

PixelLoss = Literal["mse", "l1", "charbonnier"]  # functions of training/losses.py, such as l1_loss


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Data(_Section):
    """Where the photographs come from and which of them are used."""

    source: Literal["sample", "folder", "archives", "div2k"]
    root: UserPath | None
    manifest: Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]
    base_url: Annotated[str, Field(pattern="^https?://")] | None
    cache_dir: UserPath | None
    lr: Literal["generate", "official"]
    train_images: Count | None
    val_images: Count | None
    select: Count | None
    same_size: SameSize
    validate_: Annotated[bool, Field(alias="validate")]

    @property
    def cache(self) -> Path:
        """The folder that keeps downloads."""
        return Path(self.cache_dir) if self.cache_dir else user_cache_path("srcnn")

    @property
    def in_archives(self) -> bool:
        """Whether the photographs are in the archives that `manifest` lists."""
        return self.source in ("archives", "div2k")

    @model_validator(mode="after")
    def _source_is_complete(self) -> Self:
        if self.source == "folder" and not self.root:
            raise ValueError("root: source: folder needs a folder with train/ and val/ here")
        if self.lr == "official" and not self.in_archives:
            raise ValueError("lr: official LR images come from source: archives or div2k")
        return self


class Model(_Section):
    """What the paper leaves open about the network, and whose code it follows."""

    code: ModelCode
    upsampling: Literal["bicubic", "bilinear"]
    init: Literal["identity", "random"]

    @model_validator(mode="after")
    def _upsampling_is_of_the_code(self) -> Self:
        if self.code != "paper" and self.upsampling != "bicubic":
            raise ValueError(f"upsampling: {self.code} has OpenCV's bicubic; set it to bicubic")
        return self


class Epochs(_Section):
    """Number of epochs by loss. An epoch draws `patches_per_image` patches from each image."""

    mse: Count
    perceptual: Count


class Augment(_Section):
    """Random changes to a training patch."""

    geometry: bool
    colour: bool


class Train(_Section):
    """How a network is trained."""

    batch_size: Count
    patch_size: Count | None
    patches_per_image: Count
    reuse_patches: Count
    basis: Literal["dct", "pixels"]
    lr: PositiveFloat
    schedule: Literal["constant", "cosine", "one_cycle"]
    epochs: Epochs
    keep: Literal["last", "best"]
    augment: Augment
    clip_norm: PositiveFloat | None
    micro_batch: Count | None
    # YAML reads 32 without quotes as a number.
    precision: Annotated[Literal["auto", "32", "bf16"], BeforeValidator(str)]
    compile: Literal["auto", "always", "never"]
    deterministic: bool
    devices: Count
    nodes: Count
    log: Literal["lines", "tensorboard", "dvclive"]


class Loss(_Section):
    """The loss of Eq. 2 and 3: λ1, λ2, the VGG layers with their λ_j, and the VGG network."""

    pixel: PixelLoss
    lambda1: NonNegativeFloat
    lambda2: NonNegativeFloat
    layers: dict[str, NonNegativeFloat]
    network: Literal["vgg19", "vgg16"]
    weights_file: UserPath | None
    balance: Literal["bicubic", "none", "printed"]

    @model_validator(mode="after")
    def _lambdas_weigh_something(self) -> Self:
        if self.lambda1 == 0 and self.lambda2 == 0:
            raise ValueError("lambda1: lambda1 and lambda2 are both 0: nothing to minimise")
        if not self.layers:
            raise ValueError("layers: name at least one layer, such as block2_conv2: 1.0")
        for layer in self.layers:
            if layer not in VGG_LAYERS[self.network]:
                known = ", ".join(VGG_LAYERS[self.network])
                raise ValueError(f"layers: {self.network} has no {layer}; it has {known}")
        if self.lambda2 > 0 and not any(self.layers.values()):
            raise ValueError("layers: every weight is 0, so lambda2 has no effect")
        return self


class Evaluate(_Section):
    """What is scored besides the val images and the trained networks.

    `benchmarks` are folders of HR images by the set's name; `authors` are the published networks.
    """

    benchmarks: dict[str, UserPath]
    authors: bool


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
        """Names of the models trained at each scale: `mse`, `perceptual`, then the variants."""
        return "mse", "perceptual", *self.variants

    def loss_of(self, model: str) -> Loss | None:
        """The loss that a model of `losses` minimises; None for `mse`, which minimises Eq. 1."""
        if model == "mse":
            return None
        return Loss.model_validate(self.loss.model_dump() | self.variants.get(model, {}))

    def epochs_of(self, model: str) -> int:
        """Epochs of a model of `losses`; a variant without a perceptual term has the MSE's."""
        loss = self.loss_of(model)
        pixels_only = loss is None or (model in self.variants and loss.lambda2 == 0)
        return self.train.epochs.mse if pixels_only else self.train.epochs.perceptual

    @model_validator(mode="after")
    def _names_and_variants_are_valid(self) -> Self:
        for name in self.evaluate.benchmarks:
            check_name("evaluate.benchmarks", name)
        for name in self.variants:
            check_name("variants", name)
            if name in (*METHODS, *AUTHORS_METHODS, "hr"):
                raise ValueError(f"variants: {name} is already the name of a method")
            try:
                self.loss_of(name)
            except ValidationError as error:
                raise ValueError(error_line(error, "variants", name)) from None
        return self

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        for name, value in (("precision", "bf16"), ("compile", "always")):
            if self.portable and getattr(self.train, name) == value:
                raise ValueError(f"portable: train.{name}: {value} needs portable: false")
        if self.model.code != "paper" and self.train.patch_size:
            raise ValueError(
                f"train.patch_size: {self.model.code} needs whole images; set it to null"
            )
        if self.train.keep == "best" and self.data.select is None:
            raise ValueError(
                "train.keep: best needs images that are not scored; set data.select to a number "
                "of training images to set aside"
            )
        if self.evaluate.authors and AUTHORS_SCALE not in self.scales:
            raise ValueError(
                f"evaluate.authors: the published networks are for ×{AUTHORS_SCALE}; add "
                f"{AUTHORS_SCALE} to scales, or set it to false"
            )
        if len(set(self.scales)) < len(self.scales):
            raise ValueError("scales: a scale is listed twice")
        for scale in self.scales:
            if scale not in SCALES:
                raise ValueError(f"scales: {scale} is not one of {', '.join(map(str, SCALES))}")
            if (side := self.train.patch_size) and side % scale:
                raise ValueError(f"train.patch_size: {side} is not a multiple of scale {scale}")
        return self


def read_settings(path: Path = PARAMS) -> Settings:
    """Read a params file; InputError if it is missing or not YAML, or a setting is wrong."""
    return read_model(Settings, path, "run from the project's folder")
