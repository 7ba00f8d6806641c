from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from srcnn.analysis.hallucination import (
    BANDS,
    Array,
    energy_by_band,
    hallucination_map,
    texture_energies,
)
from srcnn.analysis.results import Results
from srcnn.images.image_io import RGB8, write_png

Picture = Callable[..., RGB8]

GREY = np.full((96, 120), 128.0)
NOISE = np.random.default_rng(0).standard_normal((96, 120))


def rgb(values: Array) -> RGB8:
    """A grey image of [H, W] values."""
    return np.rint(values).clip(0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def texture(sr: Array, hr: Array) -> float:
    """Mean energy of texture in grey values of SR that HR does not have."""
    return float(hallucination_map(rgb(sr), rgb(hr)).mean())


def test_equal_images_have_nothing_invented(picture: Picture) -> None:
    image = picture(60, 80)
    assert hallucination_map(image, image).max() < 1e-8


def test_texture_on_a_plain_wall_is_invented_almost_whole() -> None:
    energy = np.mean((10 * NOISE / 255) ** 2)
    assert texture(GREY + 10 * NOISE, GREY) == pytest.approx(energy, rel=0.1)


def test_texture_that_is_lost_is_not_invented() -> None:
    assert texture(GREY, GREY + 10 * NOISE) < 1e-12


def test_texture_of_another_kind_is_invented_whatever_the_ground_truth_has() -> None:
    other = 10 * NOISE[::-1]
    energy = np.mean((10 * NOISE / 255) ** 2)
    assert texture(GREY + other, GREY + 20 * NOISE) == pytest.approx(energy, rel=0.15)


def test_a_copy_at_another_strength_blurred_or_sharpened_is_not_invented() -> None:
    hr = GREY + 20 * gaussian_filter(NOISE, 1) / gaussian_filter(NOISE, 1).std()
    energy = np.mean(((hr - 128) / 255) ** 2)
    soft = gaussian_filter(hr, 1)
    for copy in (soft, hr + 0.5 * (hr - soft), 128 + 0.6 * (hr - 128)):
        assert texture(copy, hr) < 0.02 * energy


def test_shading_is_no_texture() -> None:
    ramp = np.linspace(-30, 30, 120)[None].repeat(96, axis=0)
    assert texture(GREY + ramp, GREY) < 1e-3 * np.mean((ramp / 255) ** 2)


def test_the_map_shows_where_it_is() -> None:
    sr = GREY.copy()
    sr[:40, :40] += 12 * NOISE[:40, :40]
    energy = hallucination_map(rgb(sr), rgb(GREY))
    assert energy.shape == GREY.shape
    assert energy[:32, :32].min() > 100 * energy[64:, 64:].max()


@pytest.mark.parametrize("band", range(1, BANDS))
def test_a_wave_is_in_its_band(band: int) -> None:
    frequency = (band + 0.5) / (2 * BANDS)
    wave = 20 * np.cos(2 * np.pi * frequency * np.arange(120))[None].repeat(96, axis=0)
    energies = energy_by_band(rgb(GREY + wave), rgb(GREY))
    assert energies.shape == (BANDS,)
    assert energies.argmax() == band
    assert energies[band] > 0.9 * energies.sum()


def test_bands_add_up_to_the_map_but_for_the_first(picture: Picture) -> None:
    sr, hr = picture(50, 70, phase=0.4), picture(50, 70)
    energies = energy_by_band(sr, hr)
    assert hallucination_map(sr, hr).mean() == pytest.approx(energies[1:].sum(), rel=1e-4)
    assert energy_by_band(sr, hr, 3).shape == (3,)


@pytest.mark.parametrize("function", [hallucination_map, energy_by_band])
def test_images_of_two_sizes_are_refused(picture: Picture, function: object) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match="cannot compare"):
        function(picture(20, 30), picture(20, 31))


def test_texture_is_measured_by_image_and_method(tmp_path: Path, picture: Picture) -> None:
    names = {"0001": "a", "0002": "b"}
    for number, image in enumerate(names):
        write_png(tmp_path / f"hr/{image}.png", picture(40, 48, number))
        for step, method in enumerate(("bicubic", "mse")):
            sr = picture(40, 48, number + 0.2 * step)
            write_png(tmp_path / f"sr/{method}/{image}.png", sr)
    results = Results(2, names, pd.DataFrame(), tmp_path / "hr", tmp_path / "sr")
    energies = texture_energies(results, ["bicubic", "mse"])
    assert list(energies.index) == ["0001", "0002"]
    assert list(energies.columns) == ["bicubic", "mse"]
    assert energies["bicubic"].max() < 1e-8 < energies["mse"].min()
