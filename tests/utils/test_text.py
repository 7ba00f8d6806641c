import unicodedata

from srcnn.utils.text import signed, text_table


def test_columns_are_aligned_whatever_letters_are_in_them() -> None:
    e = unicodedata.normalize("NFD", "é")
    rows = [["", "方法", "p"], ["abc", e, "0.5"], ["d", "10000", ""]]
    assert text_table(rows, left=(0, 2)).splitlines() == [
        "      方法  p",
        f"abc      {e}  0.5",
        "d    10000",
    ]


def test_the_first_column_begins_at_the_left_and_the_others_end_at_the_right() -> None:
    assert text_table([["a", "1"], ["bc", "10"]]) == "a    1\nbc  10"


def test_a_signed_number_has_a_printed_minus() -> None:
    assert [signed(value) for value in (0.12345, -2e-5, 0, None)] == ["+0.123", "−2e−05", "+0", "–"]
    assert signed(-1, ".2f") == "−1.00"
