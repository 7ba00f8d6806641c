"""The sets that papers compare on, such as Set5: every method's mean scores, beside published ones.

No set is downloaded or kept here: a user names the folders of HR images.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from srcnn.errors import InputError
from srcnn.evaluation.evaluate import Row, enlarged, means
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import rounded, score
from srcnn.images.image_io import RGB8, crop_to_multiple, image_size, list_images, read_rgb
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.srcnn import SRCNN
from srcnn.utils.files import atomic_write, write_json
from srcnn.utils.paths import check_val_size
from srcnn.utils.threads import prefetch

Means = Mapping[str, Mapping[str, float]]
"""Method → metric → mean over the images."""


@dataclass(frozen=True)
class Benchmark:
    """A set of HR images: the `name` that the user gave it, its `folder` and the `files` in it."""

    name: str
    folder: Path
    files: tuple[Path, ...]

    def pairs(self, scale: int) -> Iterator[Pair]:
        """Each image, cropped at the bottom and right to a multiple of the scale, with its LR.

        Raises:
            InputError: an image is damaged.
        """

        def pair(file: Path) -> Pair:
            hr: RGB8 = crop_to_multiple(read_rgb(file), scale)
            return Pair(str(file.relative_to(self.folder)), hr, imresize(hr, 1 / scale))

        return prefetch(pair, self.files)


@dataclass(frozen=True)
class SetScores:
    """The scores of a set: its `name`, how many `images` it has, and the means by scale."""

    name: str
    images: int
    means: Mapping[int, Means]


@dataclass(frozen=True)
class Published:
    """The Y-PSNR by scale that papers give for a set of so many images."""

    images: int
    bicubic: Mapping[int, float]
    srcnn: Mapping[int, float]


PUBLISHED = {
    "set5": Published(5, {2: 33.66, 3: 30.39, 4: 28.42}, {2: 36.66, 3: 32.75, 4: 30.48}),
    "set14": Published(14, {2: 30.24, 3: 27.55, 4: 26.00}, {2: 32.42, 3: 29.28, 4: 27.49}),
    "bsd100": Published(100, {2: 29.56, 3: 27.21, 4: 25.96}, {2: 31.36, 3: 28.41, 4: 26.90}),
    "urban100": Published(100, {2: 26.88, 3: 24.46, 4: 23.14}, {}),
}
"""By the set's name in small letters; SRCNN is 9-5-5 on Y, trained on ImageNet."""


def find_benchmark(name: str, folder: Path, scales: tuple[int, ...]) -> Benchmark:
    """List the images of a set, and look at their sizes.

    Raises:
        InputError: the folder is missing or empty, or an image is damaged or too small to be
            scored at one of the scales.
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
    benchmark: Benchmark, models: Mapping[str, SRCNN], scale: int, lpips: LPIPS
) -> Means:
    """Enlarge each image by each method and score it; means of six significant digits.

    Args:
        benchmark: the set.
        models: by method name, for this scale.
        scale: the enlargement.
        lpips: for the score.

    Raises:
        InputError: an image is damaged.
    """
    pairs = tqdm(
        benchmark.pairs(scale),
        f"{benchmark.name} ×{scale}",
        len(benchmark.files),
        unit="image",
        leave=False,
        disable=None,
    )
    rows: list[Row] = [
        {"image": pair.name, "method": method, **rounded(score(sr, pair.hr, scale, lpips))}
        for pair in pairs
        for method, sr in enlarged(pair.lr, models, scale).items()
    ]
    return {method: rounded(values) for method, values in means(rows).items()}


def write_benchmarks(sets: list[SetScores], metrics: Path, table: Path) -> None:
    """Write the scores as JSON and as Markdown.

    Args:
        sets: the scores of each set; none if the user names none.
        metrics: set → `images`, their number, and `x{scale}` → method → metric → mean.
        table: a row for each set, scale and method, with published figures; or how to name a set.
    """
    values: dict[str, dict[str, Any]] = {
        scores.name: {
            "images": scores.images,
            **{f"x{scale}": of_scale for scale, of_scale in scores.means.items()},
        }
        for scores in sets
    }
    write_json(values, metrics)
    with atomic_write(table) as temporary:
        temporary.write_text(_markdown(sets) if sets else _HOW_TO_NAME_A_SET, encoding="utf-8")


_TITLE = "**Benchmark sets.** Means over the images of each set."

_NOTES = (
    "Scores as those of the val images (`metrics/x*_convention.json`): PSNR and SSIM of Y, a "
    "border as wide as the scale shaved. `mse` and `perceptual` are this project's SRCNN, 9-1-5 on "
    "RGB, trained on the photographs of `data.source`.",
    "Published figures are as papers print them, beside sets of a published name and number of "
    "images. Bicubic is comparable: papers take Y before they resize, which moves the mean by "
    "about 0.01 dB. Published SRCNN is another network, 9-5-5 on Y alone, trained on ImageNet for "
    "far longer: it says what SRCNN can reach, not what the model beside it should.",
)

_HOW_TO_NAME_A_SET = """\
**Benchmark sets.** None is named. To score one, name its folder of HR images in `params.yaml`:

```yaml
evaluate:
  benchmarks:
    Set5: ~/sets/Set5/HR
```

and run `dvc repro`.
"""


def _markdown(sets: list[SetScores]) -> str:
    head = ["Set", "Scale", "Method", "PSNR (Y), dB", "SSIM (Y)", "LPIPS", "Published PSNR (Y), dB"]
    table = [head, [":--"] * 3 + ["--:"] * 3 + [":--"]]
    for scores in sets:
        name = scores.name.replace("_", "\\_")
        for scale, of_scale in scores.means.items():
            for method, values in of_scale.items():
                numbers = [f"{values['psnr_y']:.2f}"]
                numbers += [f"{values[metric]:.4f}" for metric in ("ssim_y", "lpips")]
                start = [f"{name} ({scores.images})", f"×{scale}", f"`{method}`"]
                found = published(scores.name, scores.images, scale, method)
                table.append([*start, *numbers, found])
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    return "\n".join([_TITLE, "", *lines, "", "\n\n".join(_NOTES), ""])


def published(name: str, images: int, scale: int, method: str) -> str:
    """The published Y-PSNR to be shown beside a method's, or a dash.

    Args:
        name: of the set.
        images: how many it has.
        scale: the enlargement.
        method: whose own figure stands there.
    """
    known = PUBLISHED.get(name.lower())
    if known is not None and known.images == images:
        if method == "bicubic" and scale in known.bicubic:
            return f"{known.bicubic[scale]:.2f}"
        if method == "mse" and scale in known.srcnn:
            return f"{known.srcnn[scale]:.2f} (SRCNN 9-5-5)"
    return "–"
