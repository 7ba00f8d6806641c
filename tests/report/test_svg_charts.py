import pandas as pd
import pytest

from srcnn.report.svg_charts import HEIGHT, WIDTH, training_charts


@pytest.mark.parametrize("epochs", [1, 2, 1500])
def test_curves_stay_in_their_chart(epochs: int) -> None:
    along = [float(epoch) for epoch in range(1, epochs + 1)]
    falling = [1 / epoch for epoch in along]
    columns = {"epoch": along, "loss": falling, "val_loss": falling, "val_psnr_rgb": along}
    curve = pd.DataFrame(columns)
    for chart in training_charts({(2, "mse"): curve, (2, "perceptual"): curve}, 2):
        for line in chart.lines:
            points = [tuple(map(float, point.split(","))) for point in line.points.split()]
            assert len(points) == epochs
            assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
        assert f"kept at epoch {epochs}" in chart.description
        assert all(0 <= x <= WIDTH for x, _ in chart.x_ticks)
        assert all(0 <= y <= HEIGHT for y, _ in chart.y_ticks)
