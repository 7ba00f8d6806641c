import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.training.spectrum import grid_peak, line_spectra

NOISE = np.random.default_rng(0).standard_normal((96, 128))


def squares(height: int, width: int, period: int) -> np.ndarray:
    """A grid of squares: 1 in the top left quarter of each period, else 0."""
    y, x = np.mgrid[:height, :width] % period
    return ((y < period // 2) & (x < period // 2)).astype(float)


def test_noise_has_no_grid() -> None:
    for period in (2, 3, 4, 6):
        assert abs(grid_peak(NOISE, period)) < 2


@pytest.mark.parametrize("period", [2, 3, 4, 6])
@pytest.mark.parametrize("shape", [(96, 128), (97, 131), (101, 99)])
def test_a_stronger_grid_in_noise_has_a_higher_peak(period: int, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).standard_normal(shape)
    peaks = [grid_peak(noise + height * squares(*shape, period), period) for height in (0, 2, 8)]
    assert peaks[0] < 3 < peaks[1] < peaks[2]


def test_lines_of_odd_length_show_the_grid_as_well() -> None:
    noise = np.random.default_rng(2).standard_normal((258, 258))
    peaks = [
        grid_peak((noise + squares(258, 258, 3))[:side, :side], 3) for side in (252, 255, 257, 258)
    ]
    assert max(peaks) - min(peaks) < 1
    assert min(peaks) > 4


def test_a_grid_of_another_period_has_no_peak() -> None:
    assert grid_peak(NOISE + 4 * squares(96, 128, 5), 4) < 2


@given(factor=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_a_peak_depends_on_neither_contrast_nor_brightness(factor: float, shift: float) -> None:
    image = NOISE + squares(96, 128, 4)
    assert grid_peak(factor * image + shift, 4) == pytest.approx(grid_peak(image, 4), abs=1e-6)


def test_colours_are_taken_together() -> None:
    image = NOISE + squares(96, 128, 4)
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
