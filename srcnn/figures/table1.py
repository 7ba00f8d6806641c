"""Table I: the MSE of the first val images by all models, next to the paper's own rows."""

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pandas as pd

from srcnn.analysis.results import Results
from srcnn.figures.style import method_name
from srcnn.utils.files import write_text
from srcnn.utils.tables import write_csv
from srcnn.utils.text import escape_markdown, markdown_table, printable

# The columns, the rows and the numbers of the paper's Table I.
IMAGES = [f"Image{i}" for i in range(1, 6)]
MODELS = {"perceptual": "Modified SRCNN", "mse": "MSE Loss (SRCNN)"}
PAPER_MSE = {
    "perceptual": (0.0006, 0.0032, 0.0038, 0.0024, 0.0053),
    "mse": (0.0003, 0.0031, 0.0036, 0.0024, 0.0053),
}

TITLE = "Mean squared error of the images (RGB in [0, 1], whole image)."
NOTES = (
    "Modified SRCNN is trained with the MSE and the perceptual loss (Eq. 3), MSE Loss (SRCNN) "
    "with the MSE alone (Eq. 1).",
    "The paper's rows are copied from its Table I. They are of other images, five from DIV2K that "
    "it does not name, and the paper does not say at which scale. Compare the pattern of the rows, "
    "not their numbers.",
)


def table1(scales: Sequence[Results]) -> pd.DataFrame:
    """The table's numbers: for each scale the paper's two models and the variants, then the paper.

    Columns: `scale` (empty for the paper), `source` (`reproduction` or `paper`), `row`, IMAGES,
    and `mean`, over all val images; NaN where there is no number.
    """
    rows = []
    for results in scales:
        errors = results.table("mse")
        titles = MODELS | {method: method_name(method) for method in results.authors}
        for method in dict.fromkeys([*MODELS, *results.models, *results.authors]):
            about = results.scale, "reproduction", titles.get(method, f"Variant {method}")
            first = [*errors[method], *[None] * len(IMAGES)][: len(IMAGES)]
            rows.append([*about, *first, errors[method].mean()])
    rows += [["", "paper", MODELS[method], *PAPER_MSE[method], None] for method in MODELS]
    numbers = dict.fromkeys([*IMAGES, "mean"], float)
    return pd.DataFrame(rows, columns=["scale", "source", "row", *numbers]).astype(numbers)


def printed_rows(table: pd.DataFrame) -> list[list[str]]:
    """The rows of `table1` as text: scale or "paper", model, and numbers with four decimals."""
    labels = ["paper" if scale == "" else f"×{scale}" for scale in table["scale"]]
    numbers = table[[*IMAGES, "mean"]].map("{:.4f}".format, na_action="ignore").fillna("–")
    return [
        [label, model, *cells]
        for label, model, cells in zip(labels, table["row"], numbers.to_numpy(), strict=True)
    ]


def write_table(scales: Sequence[Results], folder: Path) -> None:
    """Write `table1.csv`, `table1.md` and `table1.tex`; all scales have the same val images."""
    table, names = table1(scales), list(scales[0].names.values())
    wide = table.set_index(["scale", "source", "row"]).rename_axis(columns="image")
    long = wide.stack().dropna().rename("mse").reset_index()
    photographs = long["image"].map(dict(zip(IMAGES, names, strict=False)))
    long.insert(4, "photograph", photographs.where(long["source"] == "reproduction"))
    write_csv(long, folder / "table1.csv", float_format="%.6g")
    for suffix, render in (("md", _markdown), ("tex", _latex)):
        write_text(render(printed_rows(table), names), folder / f"table1.{suffix}")


def _markdown(rows: list[list[str]], names: list[str]) -> str:
    """The table for GitHub, with the paper's rows in italics."""
    photographs = [*map(escape_markdown, names), *["–"] * len(IMAGES)]
    images = [f"{image}<br>{name}" for image, name in zip(IMAGES, photographs, strict=False)]
    table = [["Scale", "Model", *images, f"Mean of<br>all {len(names)}"]]
    for row in rows:
        table.append([f"*{cell}*" for cell in row] if row[0] == "paper" else row)
    text = markdown_table(table, right=range(2, len(table[0])))
    return "\n\n".join([f"**Table I.** {TITLE}", text, *NOTES]) + "\n"


def _latex(rows: list[list[str]], names: list[str]) -> str:
    """The table for a document that loads booktabs."""
    lines = [
        "% Needs \\usepackage{booktabs} in the preamble.",
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{escape_latex(TITLE)}}}",
        "  \\label{tab:mse}",
        f"  \\begin{{tabular}}{{ll{'r' * (len(IMAGES) + 1)}}}",
        "    \\toprule",
        f"    Scale & Model & {' & '.join(IMAGES)} & Mean \\\\",
    ]
    for _, group in groupby(rows, itemgetter(0)):
        lines.append("    \\midrule")
        lines += [f"    {' & '.join(map(escape_latex, row))} \\\\" for row in group]
    images = ", ".join(f"{image} is {name}" for image, name in zip(IMAGES, names, strict=False))
    notes = (f"{images}. Mean: of all {len(names)} val images.", *NOTES)
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
    """Text that any LaTeX engine prints: escaped, without accents, "?" for what is not ASCII."""
    plain = unicodedata.normalize("NFKD", printable(text))
    letters = (_LATEX.get(letter, letter) for letter in plain if not unicodedata.combining(letter))
    return "".join(letters).encode("ascii", "replace").decode()
