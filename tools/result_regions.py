"""Finds the regions of README.md and docs/ that quote results, and fills them.

`<!-- results: t91/means -->` starts a region, and the next `<!-- end -->` ends it. The first word
is a folder of results/, or `sample` for the results of the project itself, or `released` for the
networks in the package. The rest is one of TABLES, or the dotted name of a number, which stands in
a line.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from srcnn.errors import InputError
from srcnn.utils.files import write_text
from tools import result_tables, run_tables

TABLES = result_tables.TABLES | run_tables.TABLES
"""What a region may show, by its name."""

_REGION = re.compile(r"(<!-- results: (\S+) -->)(.*?)(<!-- end -->)", re.DOTALL)


def pages(project: Path) -> list[Path]:
    """The pages that may have regions."""
    return [project / "README.md", *sorted((project / "docs").glob("*.md"))]


def find_differences(project: Path) -> Iterator[str]:
    """A line for each region that does not show what the results say; errors as `filled`."""
    for page in pages(project):
        text = page.read_text(encoding="utf-8")
        old, new = ([*_REGION.finditer(version)] for version in (text, filled(text, page, project)))
        for before, after in zip(old, new, strict=True):
            if before[0] != after[0]:
                line = text[: before.start()].count("\n") + 1
                where = f"{page.relative_to(project)}:{line}: {before[2]}"
                yield f"{where}: not as in the results; run python -m tools.results tables"


def update_pages(project: Path) -> list[Path]:
    """Fill the regions of all pages; return those that change. Errors as `filled`."""
    old = {page: page.read_text(encoding="utf-8") for page in pages(project)}
    new = {page: filled(text, page, project) for page, text in old.items()}
    changed = [page for page in old if new[page] != old[page]]
    for page in changed:
        write_text(new[page], page)
    return [page.relative_to(project) for page in changed]


def filled(text: str, page: Path, project: Path) -> str:
    """The text of a page with its regions filled from the results.

    Raises:
        InputError: there is no table, number or folder of results of that name; a region has no
            end, or holds another one.
    """
    starts, ends = text.count("<!-- results:"), text.count("<!-- end -->")
    regions = [*_REGION.finditer(text)]
    if not starts == ends == len(regions) or any("<!--" in region[3] for region in regions):
        raise InputError(f"{page}: each `<!-- results: NAME -->` needs an `<!-- end -->`")
    return _REGION.sub(lambda r: f"{r[1]}{_content(r[2], page, project)}{r[4]}", text)


def _content(name: str, page: Path, project: Path) -> str:
    folder, _, what = name.partition("/")
    roots = {"sample": project, "released": project / "srcnn/released"}
    root = roots.get(folder, project / "results" / folder)
    try:
        if not root.is_dir():
            raise InputError(f"no folder results/{folder}")
        if what in TABLES:
            return f"\n{TABLES[what](root)}\n"
        if "." in what:
            return result_tables.number(root, what)
        raise InputError(f"no such table; there are {', '.join(TABLES)}")
    except (InputError, OSError, KeyError) as error:
        raise InputError(f"{page}: {name}: {error}") from None
