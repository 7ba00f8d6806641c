import pandas as pd
import pytest

from srcnn.figures.grid_artefacts import draw_grid_artefacts
from tests.small_results import LOSSES, shows


def made_peaks(epochs: int, images: int) -> pd.DataFrame:
    by_image = {
        f"{image:04d}": [image / epoch for epoch in range(1, epochs + 1)] for image in range(images)
    }
    return pd.DataFrame(by_image, index=range(1, epochs + 1))


@pytest.mark.parametrize("epochs", [1, 5])
def test_grid_artefacts_are_drawn_in_the_colours_of_the_losses(epochs: int) -> None:
    peaks = made_peaks(epochs, 3)
    both = draw_grid_artefacts({(2, loss): peaks for loss in LOSSES})
    assert shows(both, "perceptual")
    one = draw_grid_artefacts({(2, "mse"): peaks, (2, "perceptual"): pd.DataFrame()})
    assert shows(one, "mse")
    assert not shows(one, "perceptual")


def test_a_scale_that_was_not_measured_says_so() -> None:
    canvas = draw_grid_artefacts(
        {(scale, loss): pd.DataFrame() for scale in (2, 4) for loss in LOSSES}
    )
    assert (canvas.render() < 128).any()
    assert not any(shows(canvas, loss) for loss in LOSSES)
