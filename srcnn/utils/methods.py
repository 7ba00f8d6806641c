"""The methods that every run compares: four interpolations and the paper's two models."""

from typing import Literal, get_args

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)

METHODS = (*INTERPOLATIONS, "mse", "perceptual")  # the variants in params.yaml follow these
