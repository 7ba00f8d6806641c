"""The whole run as one HTML page that opens anywhere: scores, pictures, curves, settings."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from srcnn.evaluation.benchmark_sets import published
from srcnn.figures.style import method_name
from srcnn.figures.table1 import IMAGES, NOTES, TITLE, printed_rows, table1
from srcnn.report import ASSETS, svg_charts
from srcnn.report.claims import claims, comparisons
from srcnn.report.pictures import Sources, embedded, linked, thumbnails
from srcnn.report.run import Run
from srcnn.report.score_tables import Cell, image_rows, mean_rows, metric, metrics_of
from srcnn.utils.files import atomic_write

PICTURES_LIMIT = 7_000_000
"""Characters of pictures inside the page, which leaves one of its eight megabytes to the rest."""

SCRIPTS = "slider.js", "zoom_pan.js", "sortable_tables.js", "theme.js", "page.js"
"""In this order, because a script uses the constants of those before it."""

_FACTS = {"tolerance": "Tolerance, on another CPU"}


def write_report(run: Run, path: Path, limit: int = PICTURES_LIMIT) -> None:
    """Write the page; the same run gives the same bytes.

    Args:
        run: what to show.
        path: of the page. Pictures that do not fit in it are shown from their files, by relative
            paths from here.
        limit: characters of pictures that fit in it.

    Raises:
        InputError: a picture is missing, or is not of the size of the ground truth.
    """
    inside = embedded(run.scales, limit)
    pictures = inside if inside is not None else linked(run.scales, path.parent)
    data = _data(run, pictures, files=inside is None)
    with atomic_write(path) as temporary:
        temporary.write_text(_page(run, data), encoding="utf-8")


def _page(run: Run, data: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    script = "\n".join(map(_asset, SCRIPTS))
    style = _asset("page.css")
    metrics = metrics_of(run.scales)
    return environment.get_template("page.html.j2").render(
        run=run,
        data=data,
        # What is inside the page and may run: these two and nothing else, by their checksums.
        script=Markup(script),
        script_hash=_hash(script),
        style=Markup(style),
        style_hash=_hash(style),
        metrics=[metric(key) for key in metrics],
        method_name=method_name,
        means={scale: mean_rows(means, metrics) for scale, means in run.means.items()},
        rows=image_rows(run.scales, metrics),
        claims=claims(run.claims),
        comparisons=comparisons(run.comparisons),
        benchmarks=list(_benchmarks(run.benchmarks, metrics)),
        scale_names={scale: f"×{scale}" for scale in data["scales"]},
        method_names={method["id"]: method["name"] for method in data["methods"][:-1]},
        metric_names={each["id"]: each["name"] for each in data["metrics"]},
        table={
            "title": TITLE,
            "notes": NOTES,
            "rows": printed_rows(table1(run.scales)),
            "images": IMAGES,
        },
        chart=svg_charts,
        charts=[
            chart
            for results in run.scales
            for chart in svg_charts.charts(run.curves, results.scale)
        ],
        facts={
            _FACTS.get(name, name.replace("_", " ").capitalize()): _lines(value)
            for name, value in run.environment.items()
        },
        params=[_comment_apart(line) for line in run.params.splitlines()],
        conventions=_conventions(run, metrics),
    )


def _benchmarks(
    sets: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]
) -> Iterator[tuple[str, str, str, list[Cell], str]]:
    """Set, scale and method with their cells and what is published beside them."""
    for name, found in sets.items():
        for key, means in found.items():
            if key != "images":
                for method, cells in mean_rows(means, metrics).items():
                    beside = published(name, found["images"], int(key[1:]), method)
                    yield name, f"×{key[1:]}", method, cells, beside


def _data(run: Run, pictures: Sources, files: bool) -> dict[str, Any]:
    """What the page's script works on."""
    metrics = metrics_of(run.scales)
    methods = dict.fromkeys(method for results in run.scales for method in results.methods)
    both = {"mse", "perceptual"} <= set(methods) and "lpips" in metrics
    return {
        "images": [vars(thumbnail) for thumbnail in thumbnails(run.scales[0])],
        "methods": [{"id": method, "name": method_name(method)} for method in (*methods, "hr")],
        "metrics": [{"id": key, **vars(metric(key))} for key in metrics],
        "change": {"metric": "lpips", "from": "mse", "to": "perceptual"} if both else None,
        "scales": [results.scale for results in run.scales],
        "scores": {
            f"x{results.scale}/{row['method']}/{row['image']}": {
                key: float(row[key]) for key in metrics if key in row
            }
            for results in run.scales
            for _, row in results.scores.iterrows()
        },
        "pictures": pictures,
        "files": files,
    }


def _conventions(run: Run, metrics: Sequence[str]) -> list[tuple[str, str, str]]:
    """How each metric is computed: its name, the scales, and the words that hold for them."""
    said = []
    for key in metrics:
        scales: dict[str, list[str]] = {}
        for scale, convention in run.conventions.items():
            text = "; ".join(f"{name}: {value}" for name, value in convention.get(key, {}).items())
            scales.setdefault(text, []).append(f"×{scale}")
        said += [(metric(key).name, ", ".join(those), text) for text, those in scales.items()]
    return said


def _lines(value: Any) -> list[str]:
    """A value of `environment.json` as lines of text; keys of equal values share one."""
    if not isinstance(value, Mapping):
        return [str(value)]
    keys: dict[str, list[str]] = {}
    for key, inner in value.items():
        keys.setdefault(" ".join(_lines(inner)), []).append(key)
    return [f"{', '.join(those)} {text}" for text, those in keys.items()]


def _comment_apart(line: str) -> tuple[str, str]:
    code, sign, comment = line.partition("# ")
    return code, sign + comment


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
