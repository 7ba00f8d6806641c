import json
from pathlib import Path

from srcnn.figures.style import FONT, METHOD_NAMES, method_colours, method_name, short_name
from srcnn.utils.methods import METHODS
from tests.small_results import LOSSES

KNOWN = [method for method in METHOD_NAMES if method != "hr"]


def test_each_method_has_its_own_colour_and_name() -> None:
    methods = [*KNOWN, "deep", "thin", "l1", "alone"]  # the last four are variants
    assert len(set(method_colours(methods).values())) == len(methods)
    assert (method_name("deep"), short_name("deep")) == ("SRCNN, deep", "deep")
    assert (method_name("mse"), short_name("mse")) == ("SRCNN, MSE loss", "MSE loss")


def test_the_templates_of_dvc_plots_have_the_style_of_the_figures(project: Path) -> None:
    templates = sorted((project / ".dvc/plots").glob("*.json"))
    assert [template.stem for template in templates] == ["curve", "spread"]
    for template in templates:
        text = template.read_text(encoding="utf-8")
        for anchor in ("DATA", "TITLE", "X", "X_LABEL", "Y", "Y_LABEL"):
            assert f'"<DVC_METRIC_{anchor}>"' in text
        spec = json.loads(text)
        assert spec["config"]["font"].startswith(FONT)
        colours = spec["encoding"]["color"]["scale"]["range"]
        assert colours[:2] == list(method_colours(LOSSES).values())
        assert set(colours) > set(method_colours(METHODS).values())
