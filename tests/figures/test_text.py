import matplotlib as mpl
import pytest

from srcnn.figures.text import replace_missing_glyphs, shorten_name, text_width, wrap


def test_characters_that_the_font_lacks_are_replaced() -> None:
    assert replace_missing_glyphs("α×4 猫\n.png") == "α×4 ��.png"


@pytest.mark.parametrize("text", ["one", "one two three four five six seven", "x" * 90 + " y", ""])
def test_wrapped_lines_contain_all_words_and_fit_the_width(text: str) -> None:
    lines = wrap(text, 200)
    assert " ".join(lines) == text
    assert all(text_width(line) <= 200 or " " not in line for line in lines)


def test_a_wide_name_loses_its_middle() -> None:
    name = "folder/" + "a" * 50 + "$" + "b" * 50 + ".png"
    short = shorten_name(name, 300, bold=True)
    assert text_width(short, bold=True) <= 300
    assert short.startswith("aaa")
    assert short.endswith(".png")
    assert "…" in short


def test_a_name_keeps_its_folders_if_there_is_room() -> None:
    assert shorten_name("Set14/006.png", 300, bold=True) == "Set14/006.png"
    assert shorten_name(f"{'folder/' * 20}006.png", 300) == "006.png"


def test_text_width_ignores_the_user_s_style() -> None:
    usual = text_width("Ground truth")
    with mpl.rc_context({"font.family": "serif", "font.size": 30, "figure.dpi": 50}):
        assert text_width("Ground truth") == usual
