"""Text for a terminal: aligned columns, printable names, short lists of names."""

import re
import unicodedata
from collections.abc import Sequence


def aligned(lines: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> list[str]:
    """The lines of a table, two spaces between columns.

    Args:
        lines: their cells, all with the same number of columns.
        left: columns that begin at the left; the others end at the right, as numbers do.
    """
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    table = []
    for cells in lines:
        padded = []
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            room = " " * (width - _width(cell))
            padded.append(cell + room if place in left else room + cell)
        table.append("  ".join(padded).rstrip())
    return table


def _width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def printable(text: str) -> str:
    """The text with everything that is not to be seen escaped, so that it is safe to print."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def join_names(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def escape_markdown(text: str) -> str:
    """The text as Markdown shows it, in a table as well."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&])", r"\\\1", text)
