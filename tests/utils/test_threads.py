import pytest

from srcnn.errors import InputError
from srcnn.utils.threads import prefetch


def test_prefetched_results_come_in_order() -> None:
    assert list(prefetch(lambda number: number * number, range(20))) == [
        number * number for number in range(20)
    ]


def test_an_error_while_prefetching_is_raised() -> None:
    def draw(number: int) -> int:
        if number == 3:
            raise InputError("a damaged image")
        return number

    drawn = prefetch(draw, range(9))
    assert [next(drawn) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="a damaged image"):
        next(drawn)
