"""The methods that every run compares, and those of the authors' code, which a run may add."""

from typing import Literal, get_args

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)

METHODS = (*INTERPOLATIONS, "mse", "perceptual")  # the variants in params.yaml follow these

ModelCode = Literal["paper", "authors_view", "authors_permute"]
"""Whose code a network follows: the paper's text, or the published code (`models/authors.py`)."""

AUTHORS_SCALE = 4  # of the networks that the paper's first author published

AUTHORS_METHODS: dict[str, tuple[str, ModelCode]] = {
    "authors_mse": ("mse", "authors_view"),
    "authors_perceptual": ("perceptual", "authors_view"),
    "authors_mse_permute": ("mse", "authors_permute"),
    "authors_perceptual_permute": ("perceptual", "authors_permute"),
}
"""Method → the published network's loss, and the code that runs it; with `evaluate.authors`."""
