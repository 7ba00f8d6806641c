"""Refuses VGG weights that were made for another input than RGB normalised as in torchvision.

Keras's and Caffe's weights take BGR from 0 to 255 without the mean: in torchvision's layout they
run, and give other features. Two statistics tell them apart. Both stay the same if the channels of
a layer are scaled and the next layer undoes it, as in Gatys' files.

1. The response to a grey image, which is that of the biases alone, divided by the response to noise
   of variance 1 without biases, in the first three layers:

       torchvision's VGG16                          .29   .15   .14
       Oxford's VGG19 for normalised RGB            .016  .010  .014
       Oxford's VGG19 for 0 to 255                  .89   .59   .79
       torchvision's VGG16 divided by 255 · std     17    8.4   7.9

2. The energy (sum of squares) of the first layer's weights of red, divided by that of blue:
   torchvision's VGG16 1.47, Oxford's VGG19 1.34 (1.30 for 0 to 255), torchvision's AlexNet 1.51,
   and the inverse with BGR: 0.68, 0.74 (0.77), 0.66. Between 0.8 and 1 nothing is concluded.

Input from −1 to 1, or from 0 to 1 without normalisation, is too similar to be recognised.
"""

from collections.abc import Iterable

import torch
from torch.nn import functional as F

from srcnn.models.tensors import Weights

_BIAS_SHARES = {"block1_conv1": 0.5, "block1_conv2": 0.3, "block2_conv1": 0.33}  # at most
_RED_TO_BLUE = 0.8  # at least
_STD = "0.229, 0.224 and 0.225"


def wrong_input(weights: Weights, layers: Iterable[str]) -> str:
    """What is wrong with the input that VGG weights are for, and how to convert them, or "".

    `weights` has `{layer}.weight` and `{layer}.bias` of each of `layers`, which start with the
    first; float32, finite.
    """
    names = [name for name in _BIAS_SHARES if name in set(layers)]
    problems, advice = [], []
    if _bias_share(weights, names) > _BIAS_SHARES[names[-1]]:
        problems.append("take values from 0 to 255")
        advice.append(f"multiply red, green and blue of features.0.weight by 255 × {_STD}")
    red, _, blue = weights["block1_conv1.weight"].square().sum((0, 2, 3)).tolist()
    if red < _RED_TO_BLUE * blue:
        problems.append("take BGR")
        advice.insert(0, "reverse the channels of features.0.weight (weight.flip(1))")
    if not problems:
        return ""
    how = ", and ".join(advice)
    found = " and ".join(problems)
    return f"these weights seem to {found}, not torchvision's normalised RGB; {how}"


def _bias_share(weights: Weights, names: list[str]) -> float:
    """The response of the last of these layers to grey, divided by that to noise; 0 without it."""
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    grey = torch.zeros_like(noise)
    for name in names:
        if name == "block2_conv1":
            noise, grey = F.max_pool2d(noise, 2), F.max_pool2d(grey, 2)
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        noise, grey = F.relu(F.conv2d(noise, weight)), F.relu(F.conv2d(grey, weight, bias))
    biases, signal = grey.square().mean().item(), noise.square().mean().item()
    return 0.0 if biases == 0 else (biases / max(signal, 1e-30)) ** 0.5
