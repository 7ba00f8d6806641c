"""How often the interval of `srcnn judge --results` contains the true share: simulated voters.

    python -m benchmarks.vote_coverage

Each person votes on 14 pairs, as in a session; images take turns. Images and people are new in
each run, and the true share is that of all images and people that could be drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from srcnn.analysis.clustered_share import share_of
from srcnn.utils.text import markdown_table

RUNS = 1000  # the standard error of a rate of 95 % is 0.7 %
PAIRS = 14  # of a session
IMAGES, PEOPLE = (7, 23, 100), (6, 10, 20)

Array = npt.NDArray[np.float64]
NORMAL = NormalDist()


@dataclass(frozen=True)
class Draw:
    """What a voter's answers may depend on; effects are normal with standard deviation 1."""

    random: np.random.Generator
    image: Array  # effect of each vote's image
    person: Array  # effect of each vote's person
    a_is_left: npt.NDArray[np.bool_]  # for each vote


@dataclass(frozen=True)
class Voter:
    """A kind of simulated voter."""

    name: str
    truth: float  # share of votes for method A
    answers: Callable[[Draw], Array]  # 1 where a vote is for A, 0 for B, 0.5 for no difference


def prefers(share: float, of_image: float = 0.0, of_person: float = 0.0) -> Callable[[Draw], Array]:
    """Choose A with a probability whose mean is `share`; it varies over images and people."""
    middle = NORMAL.inv_cdf(share) * np.sqrt(1 + of_image**2 + of_person**2)

    def answers(draw: Draw) -> Array:
        noise = draw.random.standard_normal(len(draw.image))
        lean = middle + of_image * draw.image + of_person * draw.person
        return (noise < lean).astype(float)

    return answers


def sharper(draw: Draw) -> Array:
    """Choose the sharper result in 9 votes of 10; A is the sharper one on 6 images of 10."""
    a_is_sharper = draw.image < NORMAL.inv_cdf(0.6)
    return (a_is_sharper == (draw.random.random(len(draw.image)) < 0.9)).astype(float)


def undecided(draw: Draw) -> Array:
    """See no difference in every third vote, and else choose A in 6 of 10, depending on both."""
    chosen = prefers(0.6, 0.5, 0.5)(draw)
    return np.where(draw.random.random(len(chosen)) < 1 / 3, 0.5, chosen)


VOTERS = (
    Voter("random", 0.5, prefers(0.5)),
    Voter("always left", 0.5, lambda draw: draw.a_is_left.astype(float)),
    Voter("A with 0.7", 0.7, prefers(0.7)),
    Voter("A with 0.9", 0.9, prefers(0.9)),
    Voter("the sharper result", 0.6 * 0.9 + 0.4 * 0.1, sharper),
    Voter("A with 0.6, images differ", 0.6, prefers(0.6, of_image=0.5)),
    Voter("A with 0.6, people differ", 0.6, prefers(0.6, of_person=0.5)),
    Voter("A with 0.6, both differ", 0.6, prefers(0.6, 0.5, 0.5)),
    Voter("A with 0.8, both differ much", 0.8, prefers(0.8, 1.0, 1.0)),
    Voter("the same, a third undecided", 1 / 3 * 0.5 + 2 / 3 * 0.6, undecided),
)


def simulate(
    voter: Voter, images: int, people: int, random: np.random.Generator
) -> tuple[Array, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The votes of one run, with the image and the person of each."""
    of_image = np.concatenate([np.resize(random.permutation(images), PAIRS) for _ in range(people)])
    of_person = np.repeat(np.arange(people), PAIRS)
    effects = random.standard_normal(images)[of_image], random.standard_normal(people)[of_person]
    draw = Draw(random, *effects, a_is_left=random.random(len(of_image)) < 0.5)
    return voter.answers(draw), of_image, of_person


def coverage(voter: Voter, images: int, people: int, runs: int = RUNS) -> tuple[float, float]:
    """The share of intervals that contain the true share, and their mean width."""
    random, hits, width = np.random.default_rng(0), 0, 0.0
    for _ in range(runs):
        votes, of_image, of_person = simulate(voter, images, people, random)
        found = share_of(list(votes), list(of_image), list(of_person))
        low, high = found.low or 0.0, found.high or 0.0
        hits += low <= voter.truth <= high
        width += high - low
    return hits / runs, width / runs


def main() -> None:
    """Print the coverage, and the mean width of the interval, as a Markdown table."""
    cells = list(product(PEOPLE, IMAGES))
    rows = [["voters prefer", "true share", *(f"{p} people, {i} images" for p, i in cells)]]
    for voter in VOTERS:
        found = [coverage(voter, images, people) for people, images in cells]
        texts = [f"{100 * rate:.1f} % ({100 * width:.0f})" for rate, width in found]
        rows.append([voter.name, f"{100 * voter.truth:.0f} %", *texts])
        print(" | ".join(rows[-1]), flush=True)
    print()
    print(markdown_table(rows, right=range(1, len(rows[0]))))


if __name__ == "__main__":
    main()
