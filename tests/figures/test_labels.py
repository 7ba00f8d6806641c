"""Labels in a chart cover nothing."""

from itertools import combinations

from srcnn.figures.canvas import Canvas
from srcnn.figures.labels import Box, label_points
from srcnn.figures.style import figure_style


def test_boxes_overlap_where_they_share_a_pixel() -> None:
    box = Box(10, 10, 5, 5)
    assert box.overlaps(Box(14, 14, 9, 9))
    assert not box.overlaps(Box(15, 10, 9, 9))
    assert box.is_inside(15, 15)
    assert not box.is_inside(14, 15)
    assert not Box(-1, 0, 2, 2).is_inside(9, 9)


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
        places = panel.transData.transform(points)
        assert not any(frame.contains(*place) for frame in frames for place in places)
