import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.spectrum import band_energies, grid_peak, line_spectra

NOISE = np.random.default_rng(0).standard_normal((96, 128))


def tiles(height: int, width: int, period: int) -> np.ndarray:
    """Square tiles: 1 in the top left quarter of each period, else 0."""
    y, x = np.mgrid[:height, :width] % period
    return ((y < period // 2) & (x < period // 2)).astype(float)


def test_noise_has_no_grid() -> None:
    for period in (2, 3, 4, 6):
        assert abs(grid_peak(NOISE, period)) < 2


@pytest.mark.parametrize("period", [2, 3, 4, 6])
@pytest.mark.parametrize("shape", [(96, 128), (97, 131), (101, 99)])
def test_tiles_in_noise_stand_out_and_more_the_stronger_they_are(
    period: int, shape: tuple[int, int]
) -> None:
    noise = np.random.default_rng(1).standard_normal(shape)
    peaks = [grid_peak(noise + height * tiles(*shape, period), period) for height in (0, 2, 8)]
    assert peaks[0] < 3 < peaks[1] < peaks[2]


def test_another_period_is_not_taken_for_the_grid() -> None:
    assert grid_peak(NOISE + 4 * tiles(96, 128, 5), 4) < 2


@given(factor=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_a_peak_depends_on_neither_contrast_nor_brightness(factor: float, shift: float) -> None:
    image = NOISE + tiles(96, 128, 4)
    assert grid_peak(factor * image + shift, 4) == pytest.approx(grid_peak(image, 4), abs=1e-6)


def test_colours_are_taken_together() -> None:
    image = NOISE + tiles(96, 128, 4)
    assert grid_peak(np.repeat(image[..., None], 3, axis=2), 4) == pytest.approx(
        grid_peak(image, 4)
    )


def test_no_error_is_no_grid() -> None:
    assert grid_peak(np.zeros((64, 64)), 4) == 0


def test_an_image_without_enough_periods_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        grid_peak(np.zeros((63, 64)), 4)


def test_a_wave_stands_at_its_frequency() -> None:
    wave = np.sin(2 * np.pi * np.arange(128) / 8)[None].repeat(96, axis=0)
    rows, columns = line_spectra(wave)
    assert rows.argmax() == 128 / 8
    assert columns.max() < 1e-12 * rows.max()


@given(shape=st.tuples(st.integers(4, 40), st.integers(4, 40)), bands=st.integers(1, 9))
def test_bands_hold_the_variance_but_for_the_corners(shape: tuple[int, int], bands: int) -> None:
    image = np.random.default_rng(shape).standard_normal(shape)
    energies = band_energies(image, bands)
    assert len(energies) == bands
    assert (energies >= 0).all()
    assert energies.sum() <= image.var() * (1 + 1e-9)
    smooth = np.cos(2 * np.pi * np.arange(shape[0]) / shape[0])[:, None].repeat(shape[1], axis=1)
    assert band_energies(smooth, bands).sum() == pytest.approx(smooth.var())


def test_a_wave_is_in_the_band_of_its_frequency() -> None:
    wave = np.sin(2 * np.pi * np.arange(128) * 0.35)[None].repeat(128, axis=0)
    energies = band_energies(wave - wave.mean(), 5)
    assert energies.argmax() == int(0.35 * 2 * 5)
    assert energies.max() > 0.9 * energies.sum()
