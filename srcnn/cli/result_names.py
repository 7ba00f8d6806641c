"""Finds which result belongs to which ground truth for `srcnn score`, by their names.

A name is the path of a file inside its folder, without the suffix.
"""

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from srcnn.errors import InputError
from srcnn.utils.text import join_names, printable

Files = Mapping[str, Path]
"""Name → file."""

_SCALE = re.compile(r"(?<![^\W_])(?:x(\d+)|(\d+)x)(?![^\W_])", re.IGNORECASE)
"""x4 or 4x between separators, but neither x4plus nor 1920x1080."""


@dataclass(frozen=True)
class Template:
    """Names of results: those of the ground truth, between a prefix and a suffix."""

    prefix: str
    suffix: str

    @classmethod
    def parse(cls, text: str, scale: int) -> Self:
        """Read a template such as `{hr}_SwinIR` or `out_{hr}_x{scale}`.

        Raises:
            InputError: `{hr}` does not stand in it once, or it has a slash or other braces.
        """
        prefix, hr, suffix = text.replace("{scale}", str(scale)).partition("{hr}")
        option = f"--name {shlex.quote(printable(text))}"
        if not hr:
            raise InputError(
                f"{option}: has no {{hr}}, which stands for the name of the ground truth, "
                "as in '{hr}_SwinIR'"
            )
        if re.search("[{}]", prefix + suffix):
            raise InputError(
                f"{option}: use {{hr}} exactly once; only {{scale}} may also be in braces"
            )
        if "/" in text:
            raise InputError(
                f"{option}: cannot contain a slash; results lie in the same subfolders as the "
                "ground truth"
            )
        return cls(prefix, suffix)

    def __str__(self) -> str:
        return f"--name {shlex.quote(printable(f'{self.prefix}{{hr}}{self.suffix}'))}"

    def result_of(self, truth: str) -> str:
        """The name of the result for a ground truth's name."""
        folder, slash, stem = truth.rpartition("/")
        return unicodedata.normalize("NFC", f"{folder}{slash}{self.prefix}{stem}{self.suffix}")

    def fits(self, result: str) -> bool:
        """Whether a result may have this name, for whatever ground truth."""
        stem = result.rpartition("/")[2]
        return stem.startswith(self.prefix) and stem.removeprefix(self.prefix).endswith(self.suffix)

    def names_another(self, scale: int) -> bool:
        """Whether prefix and suffix name scales, but not this one."""
        found = _SCALE.findall(self.prefix) + _SCALE.findall(self.suffix)
        return bool(found) and scale not in {int(before or after) for before, after in found}

    def is_distinct(self, single: bool) -> bool:
        """Whether prefix and suffix cannot be a part of another image's name.

        They contain a letter, and a separator stands between them and the name. If there is only
        a `single` image, nothing else confirms a prefix, so there must be none.
        """
        letters = any(letter.isalpha() for letter in self.prefix + self.suffix)
        ends = self.prefix[-1:] + self.suffix[:1]
        return letters and not (single and self.prefix) and all(map(_is_separator, ends))


def match_template(results: Files, truths: Files, template: Template) -> dict[str, str]:
    """Map each ground truth's name to its result's. Results that do not fit are left out.

    Raises:
        InputError: a ground truth or a fitting result has no partner.
    """
    matches = {truth: template.result_of(truth) for truth in truths}
    missing = [truth for truth, result in matches.items() if result not in results]
    others = results.keys() - matches.values()
    extra = [file for name, file in results.items() if name in others and template.fits(name)]
    if extra and len(missing) < len(truths):
        raise InputError(f"{template}: no ground truth for {_names(*extra)}")
    if missing:
        example = f"expected {printable(matches[missing[0]])}.* for {_names(truths[missing[0]])}"
        found = f", found {_names(*results.values())}" if len(missing) == len(truths) else ""
        many = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{template}: {example}{many}{found}")
    return matches


def match_names(results: Files, truths: Files, scale: int) -> dict[str, str]:
    """Map each ground truth's name to its result's.

    A result has the name of its ground truth, or `{name}_x{scale}`, `{name}x{scale}` or
    `{name}_{method}_x{scale}`; or else all results share a prefix and a suffix.

    Raises:
        InputError: a file has no partner or two partners, or the names can be read in two ways.
    """
    usual = {result: truth for result in results if (truth := _usual_match(result, truths, scale))}
    counts = _count_templates(results, truths)
    shared = [t for t, count in counts.items() if count == len(results) == len(truths)]
    if len(usual) == len(results) and sorted(usual.values()) == sorted(truths):
        matches = {truth: result for result, truth in usual.items()}
        for template in shared:
            for truth, result in matches.items():
                if template.result_of(truth) != result:
                    raise InputError(
                        f"{_names(results[result])}: belongs to {_names(truths[truth])} by its "
                        f"name, but not if all results are named alike; if they are, use {template}"
                    )
        return {truth: matches[truth] for truth in truths}
    if not shared:
        raise _refusal(usual, results, truths, scale, counts)
    return match_template(results, truths, _choose(shared, results, scale))


def _usual_match(name: str, truths: Container[str], scale: int) -> str | None:
    """The ground truth's name for a result's: the whole name, or else the longest match."""
    if name in truths:
        return name
    for ending in (f"_x{scale}", f"x{scale}"):
        if name.endswith(ending) and (start := name.removesuffix(ending)) in truths:
            return start
    start, stem = name.removesuffix(f"_x{scale}"), name.rfind("/") + 1
    while start != name and "_" in start[stem:]:
        start = start.rpartition("_")[0]
        if start in truths:
            return start
    return None


def _count_templates(results: Files, truths: Files) -> Counter[Template]:
    """Count, for each template by which any result matches, how many results match by it."""
    counts: Counter[Template] = Counter()
    lengths = {len(truth.rpartition("/")[2]) for truth in truths}
    for result in results:
        folder, slash, stem = result.rpartition("/")
        for length in lengths:
            for start in range(len(stem) - length + 1):
                end = start + length
                if f"{folder}{slash}{stem[start:end]}" in truths:
                    counts[Template(stem[:start], stem[end:])] += 1
    return counts


def _choose(shared: list[Template], results: Files, scale: int) -> Template:
    """The only template that all results share, if it is distinct and names no other scale."""
    distinct = [template for template in shared if template.is_distinct(len(results) == 1)]
    choices = distinct or shared
    file = _names(next(iter(results.values())))
    if choices[0].names_another(scale):
        problem = f"its name states another scale than --scale {scale}"
        raise InputError(f"{file}: {problem}; change --scale, or use {choices[0]}")
    if len(distinct) != 1:
        fitting = " or ".join(map(str, choices))
        raise InputError(
            f"{file}: ambiguous name; if all results are named this way, use {fitting}"
        )
    return distinct[0]


def _refusal(
    usual: Mapping[str, str],
    results: Files,
    truths: Files,
    scale: int,
    counts: Counter[Template],
) -> InputError:
    """The error for results that match neither by the usual names nor by a shared template."""
    if unmatched := [file for result, file in results.items() if result not in usual]:
        hint = "for other names use --name, as in --name '{hr}_SwinIR'"
        for template, count in counts.most_common(1):
            if count > max(1, len(usual)):
                scales = "another --scale or " if template.names_another(scale) else ""
                hint = f"{count} results match with {scales}{template}"
        return InputError(
            f"no ground truth for {_names(*unmatched)}; the result for img.png is named img, "
            f"img_x{scale}, imgx{scale} or img_METHOD_x{scale}, or all share a prefix and suffix; "
            f"{hint}"
        )
    for truth, file in truths.items():
        both = [results[result] for result, match in usual.items() if match == truth]
        if len(both) > 1:
            return InputError(f"{_names(*both)}: {len(both)} results for {_names(file)}")
    missing = [file for truth, file in truths.items() if truth not in usual.values()]
    return InputError(f"no result for {_names(*missing)}")


def _is_separator(letter: str) -> bool:
    return unicodedata.category(letter)[0] not in "LMN"


def _names(*files: Path) -> str:
    return join_names([printable(str(file)) for file in files])
