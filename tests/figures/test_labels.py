"""Labels in a chart cover nothing."""

from itertools import combinations

from srcnn.figures.canvas import Canvas
from srcnn.figures.labels import label_points
from srcnn.figures.style import figure_style


def test_labels_of_close_points_cover_neither_each_other_nor_the_line() -> None:
    points = [(0.45, 0.5), (0.5, 0.5), (0.5, 0.52)]
    with figure_style():
        panel = Canvas(600).add_axes(100, 20, 800, 500)
        panel.set(xlim=(0, 1), ylim=(0, 1))
        panel.plot(*zip(*points, strict=True), marker="o", markersize=5)
        label_points(panel, [(*point, f"label {i}") for i, point in enumerate(points)])
        frames = [text.get_window_extent() for text in panel.texts]
        assert len(frames) == 4  # with the arrow's
        assert not any(a.overlaps(b) for a, b in combinations(frames, 2))
        assert all(panel.bbox.contains(*corner) for frame in frames for corner in frame.corners())
        places = panel.transData.transform(points)
        assert not any(frame.contains(*place) for frame in frames for place in places)
