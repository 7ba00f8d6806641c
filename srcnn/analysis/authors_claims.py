"""The claims, judged by the networks that the paper's first author published, on the val images.

They take the places of this run's own models. Their code, which the paper does not describe, is
that of `srcnn.models.authors`.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from srcnn.analysis import claims
from srcnn.analysis.hallucination import texture_energies
from srcnn.analysis.results import Results
from srcnn.analysis.verdicts import Claim, Part, judge_parts
from srcnn.images.grid_levels import grid_levels
from srcnn.images.resize import imresize
from srcnn.utils.methods import AUTHORS_METHODS

LAMBDAS = 0.9, 0.1  # of the MSE and of the features, in the published code


def judge_published(results: Results) -> list[Claim]:
    """The verdicts on C1, C2, C4, C5 and C6 by the published networks, at their scale."""
    published = in_place_of_ours(results)
    energies = texture_energies(published, ["bicubic", "mse", "perceptual"])
    texture = claims.hallucination([published], {results.scale: energies}, LAMBDAS[0])
    no_second_half = (
        "No network that was trained with the perceptual loss alone was published, so the claim's "
        "second half cannot be judged. The perceptual loss invents texture: "
        f"{texture.facts['invented']}."
    )
    return [
        claims.mean_squared_error([published]),
        claims.looks([published]),
        replace(texture, notes=[no_second_half]),
        seams(results),
        replace(claims.trade_off([published], LAMBDAS), notes=()),
    ]


def in_place_of_ours(results: Results) -> Results:
    """The results with the published networks, run by their own code, as `mse` and `perceptual`."""
    names = {m: loss for m, (loss, code) in AUTHORS_METHODS.items() if code == "authors_view"}
    others = results.scores[~results.scores["method"].isin(names.values())]
    scores = others.assign(method=others["method"].replace(names))
    return replace(results, scores=scores, folders={loss: m for m, loss in names.items()})


def seams(results: Results) -> Claim:
    """C5 for the published networks: tiles of a third of the image in what they add.

    Other networks are for comparison: the same with the mistake mended, and this run's own.
    """
    methods = [*results.authors, "mse", "perceptual"]
    rows = [_seam_levels(results, image, methods) for image in results.names]
    levels = pd.DataFrame(rows, [*results.names], methods, dtype=float)
    parts = [
        Part(
            f"×{results.scale}, {method}, 3 × 3 tiles less {claims.VISIBLE_GRID:g} dB",
            levels[method].dropna() - claims.VISIBLE_GRID,
            1,
            decides=method == "authors_perceptual",
        )
        for method in methods
    ]
    notes = [
        "What a network adds to its own interpolation is measured on the saved results, for tiles "
        "of a third of the image only. How long the published networks were trained is not known, "
        "so whether the tiles fade with the epochs is not judged."
    ]
    return Claim("C5", parts, judge_parts(parts), notes=notes)


def _seam_levels(results: Results, image: str, methods: Sequence[str]) -> dict[str, float]:
    """The level of 3 × 3 tiles in what each method adds, in dB, if the image is large enough."""
    import torch  # takes more than a second, and most runs do without

    from srcnn.models.authors import AuthorsSRCNN
    from srcnn.models.tensors import to_tensor

    pictures = results.pictures(image, *methods, "bicubic")
    lr = to_tensor(imresize(pictures["hr"], 1 / results.scale)[None], torch.device("cpu"))
    up = AuthorsSRCNN(results.scale, "authors_view").upsample(lr)[0]
    theirs = up.mul(255).round().byte().permute(1, 2, 0).numpy()
    levels = {}
    for method in methods:
        start = theirs if method in AUTHORS_METHODS else pictures["bicubic"]
        found = grid_levels(pictures[method].astype(float) - start, results.scale)
        if "thirds" in found:
            levels[method] = found["thirds"]
    return levels
