"""Text for people: tables, printable names, signed numbers, short lists of names."""

import math
import re
from collections.abc import Sequence


def text_table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """The rows as a table for a terminal; columns not in `left` are aligned at the right."""
    from tabulate import tabulate  # here, to start `srcnn upscale` sooner

    align = ["left" if column in left else "right" for column in range(len(rows[0]))]
    return tabulate(rows, tablefmt="plain", colalign=align, disable_numparse=True)


def markdown_table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A header and rows as a Markdown table; columns in `right` are aligned at the right."""
    marks = ["--:" if column in right else ":--" for column in range(len(rows[0]))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [rows[0], marks, *rows[1:]])


def printable(text: str) -> str:
    """The text with all unprintable characters escaped, so that it is safe to print."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def join_names(names: Sequence[str]) -> str:
    """The first three names and the number of further ones."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def decimal(value: float | None, digits: int) -> str:
    """A number with so many decimals; ∞ for infinity, a dash for None and NaN."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}".replace("inf", "∞")


def signed(value: float | None, form: str = ".3g") -> str:
    """A number with its sign and a typographic minus; infinity and no number as in `decimal`."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:+{form}}".replace("-", "−").replace("inf", "∞")


def escape_markdown(text: str) -> str:
    """The text with Markdown's special characters escaped, also for use in a table."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&])", r"\\\1", printable(text))
