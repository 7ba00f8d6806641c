import pandas as pd

from srcnn.analysis.verdicts import Part, combine
from tests.analysis.test_claims import LITTLE, NO, NONE, YES


def test_a_claim_of_several_parts_needs_all_of_them() -> None:
    assert combine([YES, YES]) == YES
    assert combine([YES, LITTLE]) == LITTLE
    assert combine([YES, LITTLE, NO]) == NO
    assert combine([YES, NONE, LITTLE]) == NONE
    assert combine([]) == LITTLE


def test_a_mean_above_0_in_few_of_the_images_is_not_enough() -> None:
    values = [30.0, 31.0, 32.0, *[-0.1] * 4]
    assert Part("×2", pd.Series(values), 1).verdict == LITTLE
    assert Part("×2", pd.Series(values * 4), 1).verdict == NONE
    assert Part("×2", pd.Series(values), -1).verdict == LITTLE


def test_not_supported_needs_the_sign_test_as_well_as_the_interval() -> None:
    split = Part("×2", pd.Series([0.01, 0.01, 0.02, -0.3, -0.35, -0.4]), 1)
    assert split.summary.side == -1, "the test does not apply"
    assert split.verdict == LITTLE
    assert Part("×2", pd.Series([-0.01, -0.01, -0.02, -0.3, -0.35, -0.4]), 1).verdict == NO
