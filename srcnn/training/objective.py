"""What training minimises: Eq. 1, or Eq. 3 with terms that are balanced against the MSE."""

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
from srcnn.training.losses import mse_loss
from srcnn.training.terms import PixelTerm, Term

Row = dict[str, float]
"""A row of the training curve: numbers by column."""

BALANCE_SIDE = 512
"""Pixels per side of the centre crops on which terms are balanced."""


@dataclass(frozen=True)
class Objective:
    """The loss: a weighted sum of terms.

    Eq. 3 is L_final = λ1·L_mse + λ2·L_perceptual; without terms given, the loss is Eq. 1.

    Args:
        terms: the terms of the sum.
        ratios: divisor of each raw value, from `balance_ratios`; 1 for names that are missing.
    """

    terms: Sequence[Term] = (PixelTerm(),)
    ratios: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the raw values: `mse`, which is always measured, then those of the terms."""
        names = (name for term in self.terms for name in term.value_names)
        return list(dict.fromkeys(["mse", *names]))

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable] = ()) -> dict[str, Tensor]:
        """Compute the raw values, scalars by `names`.

        Args:
            sr: [N, 3, H, W], RGB in [0, 1].
            hr: as `sr`.
            images: a key for each image if the same images return in every epoch, else empty.
        """
        values: dict[str, Tensor] = {}
        for term in self.terms:
            values |= term.measure(sr, hr, images)
        return values if "mse" in values else {"mse": mse_loss(sr.float(), hr), **values}

    def loss(self, values: Mapping[str, Tensor]) -> Tensor:
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
