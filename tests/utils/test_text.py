import unicodedata

from srcnn.utils.text import aligned


def test_columns_are_aligned_whatever_letters_are_in_them() -> None:
    e = unicodedata.normalize("NFD", "é")
    assert aligned([["", "方法", "p"], ["abc", e, "0.5"], ["d", "10000", ""]], left=(0, 2)) == [
        "      方法  p",
        f"abc      {e}  0.5",
        "d    10000",
    ]


def test_the_first_column_begins_at_the_left_and_the_others_end_at_the_right() -> None:
    assert aligned([["a", "1"], ["bc", "10"]]) == ["a    1", "bc  10"]
