"""Compare the results that the pipeline has just made with the committed results and with minima.

On any machine the MSE models must beat bicubic, and the perceptual models must have a lower LPIPS
than the MSE models with at most 1.25 times their MSE. The sample must decide claim C1.
`tools.verification` compares the rest.
"""

import json
import sys
from pathlib import Path

from tools.commands import committed_files
from tools.verification import compare, describe


def main() -> int:
    """Print the differences; 0 if the results are verified and reach the minima."""
    files = [file for file in committed_files(Path(), "metrics") if Path(file).match("x?.json")]
    failed = [line for file in files for line in missed_minima(Path(file))]
    verdict = json.loads(Path("plots/claims.json").read_text())["C1"]["verdict"]
    print(f"C1: {verdict}")
    if verdict not in ("supported", "not supported"):
        failed.append("plots/claims.json: the sample does not decide C1")
    result = compare(Path())
    print("\n".join([*describe(result), *failed]))
    return bool(failed) or not result.is_verified


def missed_minima(path: Path) -> list[str]:
    """A line for each minimum that the scores of a scale do not reach."""
    scores = json.loads(path.read_text())
    bicubic, mse, perceptual = scores["bicubic"], scores["mse"], scores["perceptual"]
    minima = {
        "the MSE model beats bicubic in PSNR": mse["psnr_rgb"] > bicubic["psnr_rgb"],
        "the perceptual model has a lower LPIPS": perceptual["lpips"] < mse["lpips"],
        "its MSE is at most 1.25 times as high": perceptual["mse"] <= 1.25 * mse["mse"],
    }
    return [f"{path}: not true: {claim}" for claim, is_true in minima.items() if not is_true]


if __name__ == "__main__":
    sys.exit(main())
