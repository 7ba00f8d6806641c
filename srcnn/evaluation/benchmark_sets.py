"""Benchmark sets that papers use, such as Set5: mean scores of every method, and published ones.

The package contains no sets and downloads none: users name folders of HR images.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.evaluation.published_scores import find_published
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import crop_to_multiple, image_size, pixel_checksum, read_photo
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.utils.files import write_json, write_text
from srcnn.utils.methods import AUTHORS_METHODS
from srcnn.utils.paths import check_val_size
from srcnn.utils.text import escape_markdown, markdown_table
from srcnn.utils.threads import prefetch

if TYPE_CHECKING:
    from srcnn.evaluation.judges import Judge
    from srcnn.models.srcnn import SRCNN


Scores = list[dict[str, Any]]
"""The rows of `evaluate` of one image."""


@dataclass(frozen=True)
class Benchmark:
    """A set of HR images."""

    name: str  # that the user gave it
    folder: Path
    files: tuple[Path, ...]

    def pairs(self, scale: int) -> Iterator[Pair]:
        """Each image, cropped at the bottom and right to a multiple of the scale, with its LR."""

        def pair(file: Path) -> Pair:
            photo, name = read_photo(file), file.relative_to(self.folder).as_posix()
            hr = crop_to_multiple(photo.pixels, scale)
            return Pair(name, hr, imresize(hr, 1 / scale), photo.is_grey)

        return prefetch(pair, self.files)


def find_benchmark(name: str, folder: Path, scales: Sequence[int]) -> Benchmark:
    """List the images of a set and check their sizes.

    Raises:
        InputError: the folder is missing or empty, or an image is damaged or too small.
    """
    try:
        files = tuple(list_images(folder))
        for file in files:
            for scale in scales:
                check_val_size(str(file), image_size(file), scale, multiple=scale)
    except InputError as error:
        raise InputError(f"evaluate.benchmarks.{name}: {error}") from None
    return Benchmark(name, folder, files)


def score_benchmark(
    benchmark: Benchmark,
    models: Mapping[str, "SRCNN"],
    scale: int,
    judges: Mapping[str, "Judge"],
    known: Mapping[str, Scores] | None = None,
) -> dict[str, dict[str, float]]:
    """Score every method on a set; other arguments and InputErrors as `evaluate`.

    Images with `known` scores, by checksum and of the same methods, are not scored again.

    Returns:
        method → metric → mean over the images, and `identical`, as `mean_score`.
    """
    from srcnn.evaluation.evaluate import evaluate, mean_scores, tabulate_scores  # import torch

    def rows(pair: Pair) -> Iterable[Mapping[str, Any]]:
        # Pixels do not tell whether an image is stored as grey, and so how it is scored.
        is_colour = bool((pair.hr != pair.hr[..., :1]).any())
        found = known.get(pixel_checksum(pair.hr)) if known and is_colour else None
        return found or evaluate([pair], models, scale, judges)

    pairs, title, count = benchmark.pairs(scale), f"{benchmark.name} ×{scale}", len(benchmark.files)
    shown = tqdm(pairs, title, count, unit="image", leave=False, disable=None)
    return mean_scores(tabulate_scores(row for pair in shown for row in rows(pair)))


def read_val_scores(scale: int, folder: Path) -> dict[str, Scores]:
    """The scores of the val images that `evaluate` has written to a folder, by checksum."""
    from srcnn.utils.tables import read_csv  # import pandas

    table = read_csv(folder / f"x{scale}.csv", "evaluate", dict.fromkeys(METRICS, float))
    images = read_csv(folder / f"x{scale}_images.csv", "evaluate", {"image": str, "sha256": str})
    checksums = dict(zip(images["image"], images["sha256"], strict=True))
    groups = table.groupby("image", sort=False)
    return {checksums[image]: rows.to_dict("records") for image, rows in groups}


def write_benchmarks(sets: Mapping[str, Mapping[str, Any]], metrics: Path, table: Path) -> None:
    """Write scores as JSON and as Markdown, which explains sets if there are none.

    The scores of a set are `images`, their number, and `x{scale}` → the scores by method.
    """
    write_json(sets, metrics)
    write_text(_markdown(sets) if sets else _HOW_TO_NAME_A_SET, table)


_NOTES = (
    "The scores follow the conventions of the val images (`metrics/x*_convention.json`): PSNR and "
    "SSIM use Y without a border as wide as the scale. `mse` and `perceptual` are this project's "
    "SRCNN, 9-1-5 on RGB, trained on the photographs of `data.source`.",
    "Published scores are shown as printed in papers, for sets with a known name and number of "
    "images. Bicubic is comparable: images stored as grey are scored on their grey values, as in "
    "papers. Papers convert to Y before they resize, which changes the mean by about 0.01 dB. The "
    "published SRCNN is another network, 9-5-5 on Y alone, trained on ImageNet for much longer: it "
    "shows what SRCNN can reach, not what the model beside it should.",
)

_AUTHORS_NOTE = (
    "`authors_*` are the networks that the paper's first author published, run by their own code, "
    "and with its layout mended (`permute`): `docs/the-authors-code.md`."
)

_HOW_TO_NAME_A_SET = """\
**Benchmark sets.** No set is named. To score one, name its folder of HR images in `params.yaml`:

```yaml
evaluate:
  benchmarks:
    Set5: ~/sets/Set5/HR
```

Then run `dvc repro`.
"""


def _markdown(sets: Mapping[str, Mapping[str, Any]]) -> str:
    columns = {key: METRICS[key] for key in ("psnr_y", "ssim_y", "lpips")}
    labels = [metric.label for metric in columns.values()]
    rows = [["Set", "Scale", "Method", *labels, "Published PSNR Y, dB"]]
    for name, scores in sets.items():
        images = scores["images"]
        for scale in [int(key[1:]) for key in scores if key != "images"]:
            for method, means in scores[f"x{scale}"].items():
                numbers = [metric.text(means.get(key)) for key, metric in columns.items()]
                other = published(name, images, scale, method)
                title = f"{escape_markdown(name)} ({images})"
                rows.append([title, f"×{scale}", f"`{method}`", *numbers, other])
    title = "**Benchmark sets.** Means over the images of each set."
    methods = {method for scores in sets.values() for method in scores.get("x4", {})}
    notes = [*_NOTES, *[_AUTHORS_NOTE] * bool(methods & AUTHORS_METHODS.keys())]
    return "\n\n".join([title, markdown_table(rows, right=(3, 4, 5)), *notes]) + "\n"


def published(name: str, images: int, scale: int, method: str) -> str:
    """The published Y-PSNR of a method on a set of so many images, or a dash."""
    key = {"bicubic": "bicubic", "mse": "srcnn_9_5_5"}.get(method)
    found = find_published(key, name, images, scale) if key else None
    if found is None:
        return "–"
    return f"{found.psnr_y:.2f} (SRCNN 9-5-5)" if method == "mse" else f"{found.psnr_y:.2f}"
