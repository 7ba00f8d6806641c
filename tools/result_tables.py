"""The tables and numbers of the documentation, made from files of stored results.

A root is a folder with the paths of the project: the project itself, or a folder in results/.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from srcnn.analysis.claims_page import BY_AUTHORS
from srcnn.analysis.claims_text import TEXTS
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.evaluation.published_scores import find_published
from srcnn.figures.style import METHOD_NAMES
from srcnn.report.tables import claim_rows
from srcnn.settings import read_settings
from srcnn.utils.json_files import read_json
from srcnn.utils.text import decimal, markdown_table, signed
from srcnn.utils.yaml_files import read_yaml

CLAIMS = ("C1", "C2", "C3", "C4", "C5", "C6")  # about images; C7 is about a measured time
_PRINTED = ("psnr_y", "ssim_y", "lpips")  # the metrics of the table that papers print
_PUBLISHED = {"srcnn_9_1_5": "SRCNN 9-1-5, published", "srcnn_9_5_5": "SRCNN 9-5-5, published"}
_NETWORKS = ("authors_mse", "authors_perceptual", "mse", "perceptual")
_NETWORK_LOSSES = {"mse": "MSE (Eq. 1)", "perceptual": "MSE and perceptual loss (Eq. 3)"}


def verdicts(root: Path) -> str:
    """A line for each of C1 to C6: the verdict, the claim, and the images that are as claimed."""
    lines = []
    for key, verdict, parts, _ in claim_rows(read_json(root / "plots/claims.json", "claims")):
        if key not in CLAIMS:
            continue
        own = [(part[0], part[3].split(" of ")) for part in parts if BY_AUTHORS not in part[0]]
        counts = ", ".join(f"{_part_title(name)}: {as_claimed}" for name, (as_claimed, _) in own)
        images = max((int(total) for _, (_, total) in own), default=0)
        evidence = f" ({counts} of {images} images)" if images else ""
        lines.append(f"- **{key}, {verdict}:** {TEXTS[key].title}{evidence}.")
    return "\n".join(lines)


def means(root: Path) -> str:
    """For each scale a table of the mean of each metric over the val images, by method."""
    tables = []
    for scale in read_settings(root / "params.yaml").scales:
        rows = [[f"×{scale}", *(metric.name for metric in METRICS.values())]]
        rows += [[method, *cells] for method, cells in _mean_cells(root, scale)]
        tables.append(markdown_table(rows, right=range(1, len(rows[0]))))
    return "\n\n".join(tables)


def scores(root: Path) -> str:
    """One table of the means of bicubic interpolation and both networks at all scales."""
    rows = [["scale", "method", *(metric.label for metric in METRICS.values())]]
    for scale in read_settings(root / "params.yaml").scales:
        for method, cells in _mean_cells(root, scale):
            if method in ("bicubic", "mse", "perceptual"):
                rows.append([f"×{scale}", method, *cells])
    return markdown_table(rows, right=range(2, len(rows[0])))


def _mean_cells(root: Path, scale: int) -> Iterator[tuple[str, list[str]]]:
    for method, found in read_json(root / f"metrics/x{scale}.json", "evaluate").items():
        yield method, [m.text(found[key], m.report_digits) for key, m in METRICS.items()]


def literature(root: Path) -> str:
    """For each scale a table as in papers: PSNR, SSIM and LPIPS of each method on each set."""
    sets = read_json(root / "metrics/benchmarks.json", "benchmarks")
    heads = [f"{name}<br>{METRICS[key].label}" for name in sets for key in _PRINTED]
    tables = []
    for scale in read_settings(root / "params.yaml").scales:
        measured = {name: found[f"x{scale}"] for name, found in sets.items()}
        rows = [[f"×{scale}", *heads], ["Bicubic", *_measured_cells(measured, "bicubic")]]
        for key, title in _PUBLISHED.items():
            cells = (_published_cells(key, name, sets[name]["images"], scale) for name in sets)
            rows.append([title, *chain(*cells)])
        for method in _NETWORKS:
            if all(method in found for found in measured.values()):
                title = METHOD_NAMES[method].replace("SRCNN", "Ours (9-1-5 in RGB)")
                rows.append([title, *_measured_cells(measured, method)])
        tables.append(markdown_table(rows, right=range(1, len(rows[0]))))
    return "\n\n".join(tables)


def _published_cells(key: str, name: str, images: int, scale: int) -> list[str]:
    found = find_published(key, name, images, scale)
    return [f"{found.psnr_y:.2f}", f"{found.ssim_y:.4f}", "–"] if found else ["–"] * len(_PRINTED)


def _measured_cells(sets: Mapping[str, Mapping[str, Any]], method: str) -> list[str]:
    return [METRICS[key].text(sets[name][method][key]) for name in sets for key in _PRINTED]


def table1(root: Path) -> str:
    """Table I, without its title and notes."""
    return _rows_of((root / "plots/table1.md").read_text(encoding="utf-8"))


def comparison(root: Path) -> str:
    """The perceptual network minus the MSE network, with intervals."""
    text = (root / "plots/comparisons.md").read_text(encoding="utf-8")
    _, found, section = text.partition("\n## perceptual minus mse\n")
    if not found:
        raise InputError(f"{root}/plots/comparisons.md: does not compare perceptual with mse")
    return _rows_of(section.partition("\n## ")[0])


def _rows_of(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


def networks(root: Path) -> str:
    """The files of the networks below a folder, with size and checksum."""
    rows = [["file", "scale", "loss", "bytes", "sha256"]]
    for file in sorted(root.rglob("*.safetensors")):
        content, scale = file.read_bytes(), file.parent.name[1:]
        name = f"`{file.relative_to(root).as_posix()}`"
        loss = _NETWORK_LOSSES.get(file.stem, file.stem)
        digest = f"`{hashlib.sha256(content).hexdigest()}`"
        rows.append([name, f"×{scale}", loss, str(len(content)), digest])
    return markdown_table(rows, right=(3,))


def settings(root: Path) -> str:
    """The settings that the training of the networks reads, with their values."""
    values = read_yaml(root / "params.yaml")
    stages = read_yaml(Path(__file__).parents[1] / "dvc.yaml")["stages"]
    read = {*stages["train_mse"]["params"], *stages["train_perceptual"]["params"]}
    rows = [[f"`{name}`", _text(_find(values, name.split(".")))] for name in sorted(read)]
    return markdown_table([["setting", "value"], *rows])


def environment(root: Path) -> str:
    """The machine, the time of each training, the versions and the commit of stored results."""
    found = read_json(root / "environment.json", "provenance")
    rows = [["", "device", "hours"]]
    for name, device in found["trained_on"].items():
        hours = decimal(found["training_hours"][name], 2)
        rows.append([f"training of `{name}`", device, hours])
    rows.append(["scores", found["device"], ""])
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    return (
        f"{markdown_table(rows, right=(2,))}\n\n"
        f"Code of commit `{found['commit'][:12]}`; {versions}."
    )


TABLES: dict[str, Callable[[Path], str]] = {
    function.__name__: function
    for function in (
        *(verdicts, means, scores, literature, table1, comparison),
        *(networks, settings, environment),
    )
}
"""The tables by their names."""


def number(root: Path, name: str) -> str:
    """A number by its dotted name, rounded as in all tables.

    `x4.perceptual.lpips` is a mean over the val images, `Set5.x4.mse.psnr_y` one over a benchmark
    set, and `x4.perceptual-mse.psnr_y` a difference of means. `C2.x4_lpips.mean` is of the claims,
    `params.train.lr` a setting, `environment.training_hours.x2/mse` of the environment.

    Raises:
        InputError: there is no such number.
    """
    first, *rest = name.split(".")
    if first == "params":
        return _text(_find(read_yaml(root / "params.yaml"), rest))
    if first == "environment":
        return _text(_find(read_json(root / "environment.json", "provenance"), rest))
    if first in TEXTS:
        return _text(_find(read_json(root / "plots/claims.json", "claims"), [first, *rest]))
    if re.fullmatch(r"x\d+", first):
        return _mean(read_json(root / f"metrics/{first}.json", "evaluate"), rest)
    return _mean(read_json(root / "metrics/benchmarks.json", "benchmarks"), [first, *rest])


def _mean(means: Mapping[str, Any], keys: list[str]) -> str:
    """A mean or, of `first-second`, a difference of means, with the digits of the metric."""
    *before, methods, key = ["", *keys]
    if key not in METRICS:
        raise InputError(f"{key}: no metric; there are {', '.join(METRICS)}")
    values = [_find(means, [*before[1:], method, key]) for method in methods.split("-")]
    if len(values) == 2:
        return signed(values[0] - values[1], f".{METRICS[key].report_digits}f")
    return METRICS[key].text(values[0], METRICS[key].report_digits)


def _find(values: Any, keys: list[str]) -> Any:
    for i in range(len(keys)):
        if not isinstance(values, Mapping) or keys[i] not in values:
            raise InputError(f"{'.'.join(keys[: i + 1])}: not in the results")
        values = values[keys[i]]
    return values


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(of_key)}" for key, of_key in value.items()) or "none"
    return f"{value:.3g}".replace("-", "−") if isinstance(value, float) else str(value)


def _part_title(name: str) -> str:
    """The part of a claim with metrics as in other tables."""
    names = {"lpips vgg": "LPIPS-VGG", "lpips": "LPIPS", "dists": "DISTS", "mse": "MSE", "db": "dB"}
    for old, new in names.items():
        name = " ".join(f" {name} ".replace(f" {old} ", f" {new} ").split())
    return name
