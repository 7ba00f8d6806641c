"""Colours of transparent pixels, which would show at visible edges of a resized image."""

import numpy as np
import numpy.typing as npt

from srcnn.images.decode import PixelArray

Positions = npt.NDArray[np.int32]
_FAR = 2**29  # pixels; longer than any side of an image


def fill_transparent(image: PixelArray) -> PixelArray:
    """Give fully transparent pixels the colour of the nearest visible pixel.

    Their stored colour is arbitrary, and a network or a kernel would mix it into visible edges. The
    image is [h, w, 2 or 4], its last channel alpha.
    """
    hidden = image[..., -1] == 0
    if hidden.all() or not hidden.any():
        return image
    return np.dstack([image[..., :-1][nearest_visible(hidden)], image[..., -1]])


def nearest_visible(hidden: npt.NDArray[np.bool_]) -> tuple[Positions, Positions]:
    """Row and column of the visible pixel that is nearest to each pixel, both [h, w].

    `hidden` [h, w] must not be true everywhere. Exact, in linear time (Meijster, Roerdink and
    Hesselink, 2000).
    """
    if hidden.shape[1] > 32 * hidden.shape[0]:  # long columns are faster than long rows
        columns, rows = nearest_visible(hidden.T)
        return rows.T, columns.T
    rows = _nearest_in_columns(hidden)
    distance = np.abs(rows - np.arange(len(hidden), dtype=np.int32)[:, None])
    columns = _nearest_in_rows(np.ascontiguousarray(distance.T)).T
    return np.take_along_axis(rows, columns, 1), columns


def _nearest_in_columns(hidden: npt.NDArray[np.bool_]) -> Positions:
    """The row of the nearest visible pixel of the same column; one far away if there is none."""
    row = np.arange(len(hidden), dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(hidden, -_FAR, row), 0)
    below = np.minimum.accumulate(np.where(hidden, _FAR, row)[::-1], 0)[::-1]
    return np.where(row - above <= below - row, above, below)


def _nearest_in_rows(distance: Positions) -> Positions:
    """The column of the nearest visible pixel, from the distances within columns; both [w, h].

    The distance² from column x to the pixel of column c is (x − c)² + distance[c]². Along a row,
    the lowest of these parabolas form an envelope, which grows from left to right.
    """
    width, height = distance.shape
    row, top = np.arange(height), np.zeros(height, np.intp)  # top: the last parabola of each row
    place, start = np.zeros((2, width, height), np.int32)  # its column, and where it is the lowest
    square = distance.astype(np.int64) ** 2
    for x in range(1, width):
        open_ = row  # rows in which the new parabola may be below the whole of the last one
        while open_.size:
            last = place[top[open_], open_].astype(np.int64)
            first = start[top[open_], open_].astype(np.int64)
            old = (first - last) ** 2 + square[last, open_]
            open_ = open_[old > (first - x) ** 2 + square[x, open_]]
            top[open_] -= 1
            open_ = open_[top[open_] >= 0]
        last = place[top, row].astype(np.int64)
        first = 1 + (x**2 - last**2 + square[x] - square[last, row]) // (2 * (x - last))
        first[top < 0] = 0
        added = np.flatnonzero(first < width)
        top[added] += 1
        place[top[added], added], start[top[added], added] = x, first[added]
    found = np.empty_like(place)
    for x in reversed(range(width)):
        found[x] = place[top, row]
        top -= start[top, row] == x
    return found
