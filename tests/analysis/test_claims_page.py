import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srcnn.analysis import claims
from srcnn.analysis.claims_page import ClaimsPage
from srcnn.analysis.claims_text import TEXTS
from srcnn.analysis.verdicts import Claim
from tests.analysis.test_claims import YES, images, judged, made_results


def pages(
    folder: Path, *written: Claim, names: Mapping[str, str] = images(9)
) -> tuple[dict[str, Any], str]:
    """The claims as JSON and as Markdown."""
    ClaimsPage(written, names, "paper").write(folder / "claims.json", folder / "claims.md")
    return json.loads((folder / "claims.json").read_text()), (folder / "claims.md").read_text()


def test_the_page_has_the_rule_and_a_section_for_each_claim(tmp_path: Path) -> None:
    _, page = pages(tmp_path, *(judged(key, 1, 9) for key in TEXTS))
    assert page.index("## The rule") < page.index("## C1")
    assert "seven claims are judged" in page
    for key, text in TEXTS.items():
        assert f"| [{key}](#{key.lower()}) | {text.title} | **supported** |" in page
        assert text.paper in page
    assert page.count("*Verdict in this run.* **supported**") == len(TEXTS)
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.count(" | ") in (3, 5)


def test_no_claim_stands_without_its_verdict(tmp_path: Path) -> None:
    """A title is what the paper claims, so the verdict follows wherever it is printed."""
    _, page = pages(tmp_path, *(judged(key, 1, 5) for key in ("C1", "C2", "C3")))
    assert not page.count("**supported**") - 1  # in the rule
    for key in ("C1", "C2", "C3"):
        title = TEXTS[key].title
        assert f"{title} | **too little data** |" in page
        assert f"*Claim.* {title}. The paper: " in page
        assert page.count(title) == 2


def test_json_holds_numbers_by_claim_and_value(tmp_path: Path) -> None:
    facts, _ = pages(tmp_path, judged("C1", 1, 9), judged("C7", 1, 9))
    assert facts["C1"]["verdict"] == YES
    numbers = {"mean", "low", "high", "images", "as_claimed"}
    assert set(facts["C1"]["x4"]) == {"verdict", "is_ratio", *numbers}
    assert 1 < facts["C1"]["x4"]["low"] < facts["C1"]["x4"]["mean"] < facts["C1"]["x4"]["high"]
    assert facts["C7"]["multiply_adds_per_pixel"] == 20000


def test_names_of_photographs_cannot_break_the_page(tmp_path: Path) -> None:
    claim = claims.mean_squared_error([made_results(2, [0.009, 0.02], [0.3, 0.3])])
    _, page = pages(tmp_path, claim, names={"0001": "a|*b*.png", "0002": "b"})
    assert "contrary in a\\|\\*b\\*.png." in page


def test_a_verdict_by_people_stands_beside_the_one_by_metrics(tmp_path: Path) -> None:
    by_metrics, by_people = judged("C2", -1, 9), claims.looks_to_people([], [])
    paths = tmp_path / "claims.json", tmp_path / "claims.md"
    ClaimsPage([by_metrics], images(9), "paper", by_people=[by_people]).write(*paths)
    facts, page = json.loads(paths[0].read_text()), paths[1].read_text()
    assert facts["C2"]["verdict"] == "not supported"
    assert facts["C2_people"] == {"verdict": "too little data"}
    both = "by metrics: **not supported**<br>by people: **too little data**"
    assert f"{TEXTS['C2'].title} | {both} |" in page
    assert "*Verdict by people.* **too little data**" in page
    assert "No votes: `srcnn judge" in page
