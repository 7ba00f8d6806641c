"""What training minimises: Eq. 1, or Eq. 3 with terms that are balanced against the MSE.

The terms are a pixel loss and the perceptual loss. Another term is another class.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import numpy as np
import torch
from torch import Tensor

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.tensors import to_tensor
from srcnn.models.vgg import VGGFeatures
from srcnn.training import losses
from srcnn.utils.machine import free_memory

Values = Mapping[str, Tensor]  # raw values, scalars by name
Row = dict[str, float]  # of the training curve: numbers by column
BALANCE_SIDE = 512  # pixels per side of the centre crops on which terms are balanced

FEATURE_MEMORY_SHARE = 0.5  # of the free memory, for the cached features of HR images


class Term:
    """One weighted term of the loss. A term with one value only has to define `measure`.

    The name is also that of its columns in the training curve; the weight is λ1 or λ2 in Eq. 3.
    """

    def __init__(self, name: str, weight: float):
        self.name, self.weight = name, weight
        self.value_names = [name]  # of the values that `measure` returns

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable]) -> dict[str, Tensor]:
        """The raw values, scalars by name; arguments as in `Objective.measure`."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what depends on images that do not return."""

    def total(self, values: Values, ratios: Mapping[str, float], weight: float) -> Tensor:
        """The term from its raw values: each divided by its ratio (default 1), times `weight`."""
        return weight / ratios.get(self.name, 1.0) * values[self.name]


class PixelTerm(Term):
    """A pixel loss: `{pixel}_loss` of `losses.py`, by default Eq. 1.

    With `summed`, it is the sum over the 3·H·W values of an image instead of their mean, as Eq. 1
    is printed; the term is then called `{pixel}_summed`.
    """

    def __init__(self, pixel: str = "mse", weight: float = 1.0, *, summed: bool = False):
        super().__init__(f"{pixel}_summed" if summed else pixel, weight)
        self.loss, self.summed = getattr(losses, f"{pixel}_loss"), summed

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable]) -> dict[str, Tensor]:
        """The pixel loss, in float32."""
        values = hr[0].numel() if self.summed else 1
        return {self.name: values * self.loss(sr.float(), hr)}


class PerceptualTerm(Term):
    """The perceptual loss, Eq. 2. Its raw values are the terms of the sum, by layer.

    `lambdas` are λ_j by layer; `processes` share the memory for HR features.
    """

    def __init__(
        self, vgg: VGGFeatures, lambdas: Mapping[str, float], weight: float = 1, processes: int = 1
    ):
        super().__init__("perceptual", weight)
        self.vgg, self.lambdas, self.value_names = vgg, lambdas, list(lambdas)
        self.hr_features = HRFeatures(vgg, processes)

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable]) -> dict[str, Tensor]:
        """The term of each layer."""
        with torch.no_grad():
            hr_features = self.hr_features(images, hr) if images else self.vgg(hr)
        return losses.feature_losses(self.vgg(sr), hr_features)

    def forget(self) -> None:
        """Drop the HR features, because other images follow."""
        self.hr_features.clear()

    def total(self, values: Values, ratios: Mapping[str, float], weight: float) -> Tensor:
        """`weight` · Eq. 2, each layer divided by its ratio."""
        lambdas = {layer: value / ratios.get(layer, 1.0) for layer, value in self.lambdas.items()}
        return weight * losses.perceptual_loss(values, lambdas)


class HRFeatures:
    """Caches the VGG features of HR images that return in later epochs, while there is memory.

    Each image passes through VGG alone, cached or not, so that the numbers are the same. Features
    stay on the device of VGG. `processes` share the host's memory. Without `room` in bytes, the
    first call measures it, because balancing and the optimiser take memory before.
    """

    def __init__(self, vgg: VGGFeatures, processes: int = 1, room: int | None = None):
        self.vgg, self.cache = vgg, dict[Hashable, dict[str, Tensor]]()
        self.processes, self.room = processes, room

    @torch.no_grad()
    def __call__(self, images: Sequence[Hashable], hr: Tensor) -> dict[str, Tensor]:
        """Features by layer, [N, C_j, H_j, W_j], of hr [N, 3, H, W], RGB in [0, 1].

        `images` has a key for each image; an equal key means equal pixels.
        """
        if self.room is None:
            self.room = int(FEATURE_MEMORY_SHARE * _free_memory(hr.device, self.processes))
        each = [self._features(key, image) for key, image in zip(images, hr.split(1), strict=True)]
        if len(each) == 1:
            return each[0]  # without a copy: the features of whole images take gigabytes
        return {layer: torch.cat([features[layer] for features in each]) for layer in each[0]}

    def clear(self) -> None:
        """Drop all features; the room for others stays the same."""
        if self.room is not None:
            self.room += sum(map(_size, self.cache.values()))
        self.cache.clear()

    def _features(self, key: Hashable, image: Tensor) -> dict[str, Tensor]:
        if key in self.cache:
            return self.cache[key]
        features = self.vgg(image)
        size = _size(features)
        if self.room is not None and size <= self.room:
            self.room -= size
            self.cache[key] = features
        return features


def _size(features: Mapping[str, Tensor]) -> int:
    """Bytes of the features of an image."""
    return sum(feature.nbytes for feature in features.values())


def _free_memory(device: torch.device, processes: int) -> int:
    """Free bytes for each process: of its CUDA GPU, or of the host within a container's limit."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return free_memory() // processes


@dataclass(frozen=True)
class Objective:
    """The loss: a weighted sum of terms.

    Eq. 3 is L_final = λ1·L_mse + λ2·L_perceptual; without terms given, the loss is Eq. 1.
    """

    terms: Sequence[Term] = (PixelTerm(),)
    ratios: Mapping[str, float] = field(default_factory=dict)  # divisors of raw values, default 1

    @property
    def names(self) -> list[str]:
        """Names of the raw values: `mse`, which is always measured, then those of the terms."""
        names = (name for term in self.terms for name in term.value_names)
        return list(dict.fromkeys(["mse", *names]))

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable] = ()) -> dict[str, Tensor]:
        """The raw values, scalars by `names`.

        Args:
            sr: [N, 3, H, W], RGB in [0, 1].
            hr: as `sr`.
            images: a key for each image if images return in later epochs, else empty.
        """
        values: dict[str, Tensor] = {}
        for term in self.terms:
            values |= term.measure(sr, hr, images)
        return values if "mse" in values else {"mse": losses.mse_loss(sr.float(), hr), **values}

    def loss(self, values: Values) -> Tensor:
        """The sum of the weighted terms, a scalar."""
        return reduce(add, (term.total(values, self.ratios, term.weight) for term in self.terms))

    def report(self, values: Mapping[str, float]) -> Row:
        """Columns of the training curve: the loss, the terms with and without weights, the rest."""
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
        row = {"loss": float(self.loss(tensors)), "mse": values["mse"]}
        row |= {term.name: float(term.total(tensors, {}, 1.0)) for term in self.terms}
        if len(self.terms) > 1:
            for term in self.terms:
                weighted = term.total(tensors, self.ratios, term.weight)
                row[f"weighted_{term.name}"] = float(weighted)
        return row | {name: values[name] for name in self.names}


@torch.no_grad()
def balance_ratios(
    objective: Objective, pairs: Iterable[Pair], scale: int, device: torch.device
) -> dict[str, float]:
    """The ratio of each raw value, except the MSE, to the MSE for bicubic interpolation.

    Values are means over the images of `pairs`; only the centre of an image counts.

    Raises:
        InputError: the MSE of bicubic interpolation is 0.
    """
    sums = dict.fromkeys(objective.names, 0.0)
    for pair in pairs:
        bicubic = imresize(pair.lr, scale)
        both = np.stack([_centre(image) for image in (bicubic, pair.hr)])
        sr, hr = to_tensor(both, device).split(1)
        for name, value in objective.measure(sr, hr).items():
            sums[name] += float(value)
    mse = sums.pop("mse")
    if mse == 0:
        raise InputError(
            "loss.balance: bicubic interpolation restores the training images without error; "
            "set it to none"
        )
    return {name: total / mse for name, total in sums.items()}


def _centre(image: RGB8) -> RGB8:
    top, left = (max(0, (length - BALANCE_SIDE) // 2) for length in image.shape[:2])
    return image[top : top + BALANCE_SIDE, left : left + BALANCE_SIDE]
