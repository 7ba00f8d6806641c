"""Table I: the MSE of the first val images by all models, beside the paper's own two rows."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from srcnn.analysis.results import Results
from srcnn.utils.files import atomic_write
from srcnn.utils.tables import write_csv
from srcnn.utils.text import escape_markdown

COLUMNS = 5
"""Images in the paper's table."""

MODELS = {"perceptual": "Modified SRCNN", "mse": "MSE Loss (SRCNN)"}
"""The paper's names of the models, by ours."""

PAPER = {
    "perceptual": (0.0006, 0.0032, 0.0038, 0.0024, 0.0053),
    "mse": (0.0003, 0.0031, 0.0036, 0.0024, 0.0053),
}
"""The paper's Table I as printed."""

TITLE = "Mean squared error of the images (RGB in [0, 1], whole image)."
NOTES = (
    "Modified SRCNN is trained with the MSE and the perceptual loss (Eq. 3), MSE Loss (SRCNN) "
    "with the MSE alone (Eq. 1).",
    "The paper's rows are as it prints them. They are of other images, five of its own choice from "
    "DIV2K that it does not name, and its table does not say at which scale: compare the pattern "
    "of the rows, not their numbers.",
)


@dataclass(frozen=True)
class TableRow:
    """A row of Table I.

    Args:
        source: `reproduction` or `paper`.
        scale: the enlargement; None in the paper's rows, which do not say.
        model: the paper's name of the model.
        errors: MSE of Image1, Image2 …, at most COLUMNS.
        mean: MSE, mean over all val images; None in the paper's rows, which do not say.
    """

    source: str
    scale: int | None
    model: str
    errors: tuple[float, ...]
    mean: float | None = None

    def cells(self) -> list[str]:
        """The row's numbers as printed, four decimals, a dash for each that is missing."""
        numbers = [*self.errors, *[None] * (COLUMNS - len(self.errors)), self.mean]
        return ["–" if number is None else f"{number:.4f}" for number in numbers]


def table_rows(scales: Sequence[Results]) -> list[TableRow]:
    """For each scale the paper's two models and the variants, then the paper's two rows."""
    rows = []
    for results in scales:
        for method in dict.fromkeys([*MODELS, *results.models]):
            model = MODELS.get(method, f"Variant {method}")
            errors = results.table("mse")[method]
            first, mean = tuple(errors[:COLUMNS]), float(np.mean(errors))
            rows.append(TableRow("reproduction", results.scale, model, first, mean))
    return rows + [TableRow("paper", None, MODELS[method], PAPER[method]) for method in MODELS]


def write_table(scales: Sequence[Results], folder: Path) -> None:
    """Write `table1.csv`, `table1.md` and `table1.tex` into `folder`.

    Args:
        scales: the results of each scale; all of the same val images.
        folder: where to write.
    """
    rows, names = table_rows(scales), list(scales[0].names.values())
    write_csv(_tidy(rows, names), folder / "table1.csv")
    for suffix, render in (("md", _markdown), ("tex", _latex)):
        with atomic_write(folder / f"table1.{suffix}") as temporary:
            temporary.write_text(render(rows, names), encoding="utf-8")


def _tidy(rows: list[TableRow], names: list[str]) -> Iterator[dict[str, Any]]:
    """A line per number; `image` is Image1 … Image5, or `mean`; six significant digits."""
    for row in rows:
        photographs = names if row.source == "reproduction" else [""] * COLUMNS
        numbers = [(f"Image{i + 1}", photographs[i], error) for i, error in enumerate(row.errors)]
        if row.mean is not None:
            numbers.append(("mean", "", row.mean))
        for image, photograph, error in numbers:
            yield {
                "scale": row.scale or "",
                "source": row.source,
                "row": row.model,
                "image": image,
                "photograph": photograph,
                "mse": f"{error:.6g}",
            }


def _markdown(rows: list[TableRow], names: list[str]) -> str:
    """The table as GitHub shows it, the paper's rows in italics."""
    photographs = [escape_markdown(name) for name in names[:COLUMNS]]
    photographs += ["–"] * (COLUMNS - len(photographs))
    images = [f"Image{i}<br>{name}" for i, name in enumerate(photographs, start=1)]
    table = [["Scale", "Model", *images, f"Mean of<br>all {len(names)}"]]
    table.append([":--"] * 2 + ["--:"] * (COLUMNS + 1))
    for row in rows:
        if row.source == "paper":
            cells = ["paper, scale not stated", row.model, *row.cells()]
            table.append([f"*{cell}*" for cell in cells])
        else:
            table.append([f"×{row.scale}", row.model, *row.cells()])
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    return "\n".join([f"**Table I.** {TITLE}", "", *lines, "", "\n\n".join(NOTES), ""])


def _latex(rows: list[TableRow], names: list[str]) -> str:
    """The table for any document that loads booktabs."""
    images = " & ".join(f"Image{i + 1}" for i in range(COLUMNS))
    lines = [
        "% Needs \\usepackage{booktabs} in the preamble.",
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{escape_latex(TITLE)}}}",
        "  \\label{tab:mse}",
        f"  \\begin{{tabular}}{{ll{'r' * (COLUMNS + 1)}}}",
        "    \\toprule",
        f"    Scale & Model & {images} & Mean \\\\",
    ]
    for before, row in zip([None, *rows], rows, strict=False):
        if before is None or before.scale != row.scale:
            lines.append("    \\midrule")
        start = [f"×{row.scale}" if row.scale else "paper", row.model]
        cells = " & ".join(escape_latex(cell) for cell in [*start, *row.cells()])
        lines.append(f"    {cells} \\\\")
    photographs = ", ".join(f"Image{i} is {name}" for i, name in enumerate(names[:COLUMNS], 1))
    notes = (f"{photographs}. Mean: of all {len(names)} val images.", *NOTES)
    lines += ["    \\bottomrule", "  \\end{tabular}", "", "  \\smallskip"]
    lines.append("  \\parbox{\\linewidth}{\\footnotesize " + escape_latex(" ".join(notes)) + "}")
    return "\n".join([*lines, "\\end{table}", ""])


_LATEX = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "\\textquotedbl{}",
    "×": "$\\times$",
    "–": "--",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def escape_latex(text: str) -> str:
    """The text as LaTeX with any engine and encoding prints it; letters lose their accents.

    A letter that has no ASCII form becomes a question mark.
    """
    plain = unicodedata.normalize("NFKD", text)
    letters = (_LATEX.get(letter, letter) for letter in plain if not unicodedata.combining(letter))
    return "".join(letters).encode("ascii", "replace").decode()
