"""The whole run as one HTML page that needs no network: scores, images, curves, settings."""

import math
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from srcnn.analysis.claims_text import TEXTS
from srcnn.evaluation.metrics import METRICS
from srcnn.figures.style import method_name
from srcnn.figures.table1 import IMAGES, NOTES, TITLE, printed_rows, table1
from srcnn.report import ASSETS, svg_charts, tables
from srcnn.report.pictures import Sources, embed_pictures, link_pictures, thumbnails
from srcnn.report.run import Run
from srcnn.utils.files import write_text

PICTURES_LIMIT = 7_000_000  # characters; the rest of the page takes less than one megabyte more

# In this order: each script uses only the constants of those before it.
SCRIPTS = "slider.js", "zoom_pan.js", "sortable_tables.js", "theme.js", "page.js"

_FAILED = "training failed or diverged, or was too short."
_PRICE = (
    "a small drop can be the price of the perceptual loss, a large one is a sign that training "
    "failed or diverged."
)

_TEMPLATES = Environment(
    loader=FileSystemLoader(ASSETS),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def write_report(run: Run, path: Path, limit: int = PICTURES_LIMIT) -> None:
    """Write the page; the same run gives the same bytes.

    If the images would take more than `limit` characters, the page links to their files instead.

    Raises:
        InputError: an image is missing, or its size differs from that of the ground truth.
    """
    embedded = embed_pictures(run.scales, limit)
    pictures = link_pictures(run.scales, path.parent) if embedded is None else embedded
    data = _slider_data(run, pictures, is_linked=embedded is None)
    template = _TEMPLATES.get_template("page.html.j2")
    page = template.render(**_code(), data=data, **_results(run), **_settings(run))
    write_text(page, path)


def _code() -> dict[str, Any]:
    """The script and the style, with the hashes that allow these two to run and nothing else."""
    script = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    code = {"script": script, "style": (ASSETS / "page.css").read_text(encoding="utf-8")}
    digests = {name: sha256(text.encode()).digest() for name, text in code.items()}
    hashes = {f"{name}_hash": b64encode(digest).decode() for name, digest in digests.items()}
    return hashes | {name: Markup(text) for name, text in code.items()}


def _slider_data(run: Run, pictures: Sources, is_linked: bool) -> dict[str, Any]:
    """The data of the scripts, as JSON."""
    methods = dict.fromkeys(method for results in run.scales for method in results.methods)
    has_both = {"mse", "perceptual"} <= methods.keys()
    return {
        "images": thumbnails(run.scales[0]),
        "methods": [{"id": method, "name": method_name(method)} for method in (*methods, "hr")],
        "metrics": [
            {"id": key, "name": m.name, "digits": m.report_digits, "lower": m.lower_is_better}
            for key, m in METRICS.items()
        ],
        "change": {"metric": "lpips", "from": "mse", "to": "perceptual"} if has_both else None,
        "scales": [results.scale for results in run.scales],
        "scores": {
            f"x{results.scale}/{row['method']}/{row['image']}": {
                # JSON lacks infinity; JavaScript's Number() reads the text.
                key: "Infinity" if row[key] == math.inf else row[key]
                for key in METRICS
            }
            for results in run.scales
            for row in results.scores.to_dict("records")
        },
        "pictures": pictures,
        "files": is_linked,
    }


def _results(run: Run) -> dict[str, Any]:
    """The tables and the charts, and the names of methods, metrics and scales."""
    return {
        "warnings": list(_below_interpolation(run)),
        "means": {scale: tables.mean_rows(means) for scale, means in run.means.items()},
        "identical": [
            f"{method_name(method)} ×{scale}: {scores['identical']} of {len(run.scales[0].names)}"
            for scale, means in run.means.items()
            for method, scores in means.items()
            if scores["identical"]
        ],
        "rows": tables.image_rows(run.scales),
        "claims": tables.claim_rows(run.claims),
        "claim_texts": TEXTS,
        "comparisons": tables.comparison_rows(run.comparisons),
        "benchmarks": list(tables.benchmark_rows(run.benchmarks)),
        "table": {"title": TITLE, "notes": NOTES, "images": IMAGES},
        "table_rows": printed_rows(table1(run.scales)),
        "chart": svg_charts,
        "charts": [svg_charts.training_charts(run.curves, each.scale) for each in run.scales],
        "metrics": METRICS,
        "method_name": method_name,
        "scale_names": {each.scale: f"×{each.scale}" for each in run.scales},
        "method_names": {m: method_name(m) for each in run.scales for m in each.methods},
        "metric_names": {key: metric.name for key, metric in METRICS.items()},
    }


def _below_interpolation(run: Run) -> Iterator[tuple[str, str]]:
    """Each network whose mean PSNR is below that of interpolation, and why."""
    upsampling = run.settings.model.upsampling
    for results in run.scales:
        scores = results.table("psnr_rgb").replace(math.inf, math.nan)
        for model in results.models:
            # Over the same images: a result that is identical to its image has no finite PSNR.
            psnr = scores.reindex(columns=[model, upsampling]).dropna().mean().round(2)
            if psnr[model] < psnr[upsampling]:
                loss = run.settings.loss_of(model)
                reason = _PRICE if loss and loss.lambda2 else _FAILED
                own = ", its own input" if run.settings.model.code == "paper" else ""
                text = f"the mean PSNR RGB is {psnr[model]:.2f} dB, below the "
                text += f"{psnr[upsampling]:.2f} dB of {upsampling}{own}; {reason}"
                yield f"{method_name(model)}, ×{results.scale}", text


def _settings(run: Run) -> dict[str, Any]:
    """The environment, `params.yaml` and the conventions of the metrics."""
    names = {"tolerance": "Tolerance on other CPUs"}
    return {
        "environment": {
            names.get(key, key.replace("_", " ").capitalize()): _lines(value)
            for key, value in run.environment.items()
        },
        "params": [line.partition("# ") for line in run.params.splitlines()],
        "conventions": _conventions(run),
    }


def _conventions(run: Run) -> list[tuple[str, str, str]]:
    """How each metric is computed: its name, the scales, and the convention in words."""
    rows = []
    for key, metric in METRICS.items():
        scales: dict[str, list[str]] = {}
        for scale, convention in run.conventions.items():
            text = "; ".join(f"{name}: {value}" for name, value in convention.get(key, {}).items())
            text = re.sub("`(.+?)`", r"“\1”", text)  # the page does not read Markdown
            scales.setdefault(text, []).append(f"×{scale}")
        rows += [(metric.name, ", ".join(which), text) for text, which in scales.items()]
    return rows


def _lines(value: Any) -> list[str]:
    """A value of `environment.json` as lines of text; keys with equal values share a line."""
    if not isinstance(value, Mapping):
        return [str(value)]
    keys: dict[str, list[str]] = {}
    for key, inner in value.items():
        words = chain.from_iterable(inner.items()) if isinstance(inner, Mapping) else [inner]
        keys.setdefault(" ".join(map(str, words)), []).append(key)
    return [f"{', '.join(names)}: {text}" for text, names in keys.items()]
