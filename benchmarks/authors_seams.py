"""Finds the seams of the published networks at thirds of an image, and draws them.

    python -m benchmarks.authors_seams SET...

Needs a run with `evaluate.authors: true`; each SET is a folder of HR images. Prints the scores of
the published networks and of our own, how many results have 3 × 3 tiles above the threshold of
claim C5, and what all images say about C1 and C2. Draws docs/authors-seams.png from a val
photograph of the sample. A few minutes on two cores for Set5, Set14 and BSD100.
"""

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from srcnn.analysis.claims import MSE_MARGIN, VISIBLE_GRID
from srcnn.analysis.verdicts import Part
from srcnn.evaluation.benchmark_sets import find_benchmark
from srcnn.evaluation.evaluate import load_models
from srcnn.evaluation.lpips import LPIPS, load_lpips
from srcnn.evaluation.metrics import METRICS, GroundTruth, ImagePair
from srcnn.figures.canvas import GAP, LINE_HEIGHT, TITLE_HEIGHT, Canvas, enlarge
from srcnn.figures.style import figure_style, method_name
from srcnn.images.grid_levels import grid_levels, thirds
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.resize import imresize
from srcnn.models.device import best_device
from srcnn.models.portable import pin_arithmetic
from srcnn.models.srcnn import SRCNN
from srcnn.models.tiled_inference import added_detail, super_resolve
from srcnn.utils.methods import AUTHORS_SCALE
from srcnn.utils.text import markdown_table, signed

PICTURE = "0012"  # a val photograph
SCORES = "mse", "psnr_y", "ssim_y", "lpips"
JUDGED = "mse", "lpips"
SHOWN = "authors_perceptual", "authors_perceptual_permute", "perceptual"
SIDE, ZOOM = 44, 11  # of the window around the crossing of two seams, in HR pixels
GAIN = 10  # of the third column
_COLUMNS = 0, 750, 1388  # left ends, in pixels of the figure
_FRAME = 24  # around an image, for the marks


def main(sets: list[Path]) -> None:
    """Print the tables and draw the figure."""
    pin_arithmetic()
    device = best_device()
    models = load_models(AUTHORS_SCALE, ("mse", "perceptual"), device, authors=True)
    lpips = load_lpips(device)
    labels = [METRICS[key].label for key in SCORES]
    rows = [["set", "method", *labels, "3 × 3 tiles, dB", "above 6 dB"]]
    tables = []
    for folder in sets:
        tables.append(table := pd.DataFrame(score_set(folder, models, lpips)))
        for method, found in table.groupby("method", sort=False):
            means = [METRICS[key].text(found[key].mean()) for key in SCORES]
            levels = found["thirds"].dropna()
            tiles = ["–", "–"]
            if len(levels):
                above = (levels > VISIBLE_GRID).sum()
                tiles = [f"{levels.mean():.1f}", f"{above} of {len(levels)}"]
            rows.append(
                [f"{folder.name} ({found['image'].nunique()})", f"`{method}`", *means, *tiles]
            )
    print(markdown_table(rows, right=range(2, len(rows[0]))))
    if tables:
        print(*judge(pd.concat(tables, ignore_index=True)), sep="\n")
    lr = read_rgb(Path(f"data/lr/x{AUTHORS_SCALE}/val/{PICTURE}x{AUTHORS_SCALE}.png"))
    draw(lr, {method: models[method] for method in SHOWN}).write(Path("docs/authors-seams"))
    Path("docs/authors-seams.pdf").unlink()


def score_set(
    folder: Path, models: Mapping[str, SRCNN], lpips: LPIPS
) -> Iterator[dict[str, object]]:
    """The scores and the level of 3 × 3 tiles of each image of a set, by each method."""
    for pair in find_benchmark(folder.name, folder, [AUTHORS_SCALE]).pairs(AUTHORS_SCALE):
        results = {"bicubic": imresize(pair.lr, AUTHORS_SCALE)}
        results |= {method: super_resolve(model, pair.lr) for method, model in models.items()}
        truth = GroundTruth(pair.hr, AUTHORS_SCALE, pair.is_grey)
        distances = lpips.distances([*results.values()], pair.hr)
        for (method, sr), distance in zip(results.items(), distances, strict=True):
            scored = ImagePair(sr, truth, {"lpips": distance})
            row = {key: METRICS[key].compute(scored) for key in SCORES}
            row["thirds"] = math.nan
            if method in models:
                levels = grid_levels(added_detail(models[method], pair.lr), AUTHORS_SCALE)
                row["thirds"] = levels.get("thirds", math.nan)
            yield {"image": f"{folder.name}/{pair.name}", "method": method, **row}


def judge(table: pd.DataFrame) -> Iterator[str]:
    """What all images together say about C1 and C2 by LPIPS, for the published networks."""
    for suffix in ("", "_permute"):
        columns = f"authors_perceptual{suffix}", f"authors_mse{suffix}"
        mse, lpips = (table.pivot(index="image", columns="method", values=key) for key in JUDGED)
        ratios = np.log(mse[columns[0]] / mse[columns[1]])
        parts = [
            Part("C1, MSE", ratios, 1, is_ratio=True, margin=-math.log(1 - MSE_MARGIN)),
            Part("C2, LPIPS", lpips[columns[0]] - lpips[columns[1]], -1),
        ]
        for part in parts:
            found = part.summary
            ends = [found.mean, found.low, found.high]
            mean, low, high = np.exp(ends) if part.is_ratio else ends
            counts = f"{part.as_claimed} of {found.images} as claimed: {part.verdict}"
            yield f"{columns[0]}, {part.name}: {mean:.4f} [{low:.4f}, {high:.4f}], {counts}"


@figure_style()
def draw(lr: RGB8, models: Mapping[str, SRCNN]) -> Canvas:
    """A row per method: the image with marks, the window where two seams cross, what is added."""
    above, pitch = 3 * LINE_HEIGHT + GAP, 3 * LINE_HEIGHT + SIDE * ZOOM + 6 * GAP
    canvas = Canvas(TITLE_HEIGHT + len(models) * pitch - 4 * GAP)
    canvas.add_title("Where the published networks leave seams: thirds of the height and the width")
    for row, (method, model) in enumerate(models.items()):
        top = TITLE_HEIGHT + GAP + row * pitch
        detail = added_detail(model, lr)
        level = signed(grid_levels(detail, AUTHORS_SCALE)["thirds"], ".1f")
        canvas.add_caption(
            method_name(method), f"3 × 3 tiles: {level} dB; visible above 6 dB", 0, top
        )
        columns = _columns(super_resolve(model, lr), detail)
        for left, (title, picture) in zip(_COLUMNS, columns, strict=True):
            canvas.add_note(title, left, top + 2 * LINE_HEIGHT)
            canvas.add_image(picture, left, top + above)
    return canvas


def _columns(sr: RGB8, detail: npt.NDArray[np.float32]) -> Iterator[tuple[str, RGB8]]:
    """The titles and the pictures of a row."""
    lines = thirds(sr.shape)
    (top, _), (left, _) = lines
    window = slice(top - SIDE // 2, top + SIDE // 2), slice(left - SIDE // 2, left + SIDE // 2)
    yield "the result; marks at H/3, 2H/3, W/3, 2W/3", _marked(sr, lines)
    yield f"around ({left}, {top}), enlarged {ZOOM} times", enlarge(sr[window], ZOOM)
    added = np.clip(128 + GAIN * detail, 0, 255).astype(np.uint8)
    yield f"what the network adds, {GAIN} times", _marked(added, lines)


def _marked(image: RGB8, lines: list[list[int]]) -> RGB8:
    """The image in a white frame with a black mark at each line."""
    sides = (_FRAME, _FRAME)
    framed = np.pad(image, (sides, sides, (0, 0)), constant_values=255)
    for axis, numbers in enumerate(lines):
        for number in numbers:
            place: list[slice] = [slice(None), slice(None)]
            place[axis] = slice(_FRAME + number - 1, _FRAME + number + 1)
            for end in (slice(0, _FRAME - 4), slice(-_FRAME + 4, None)):
                place[1 - axis] = end
                framed[tuple(place)] = 0
    return framed


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
