"""Hold what the pipeline has just made against what is committed, and against what it must reach.

On any machine the MSE models must beat bicubic, and the perceptual models the MSE models in LPIPS
with at most 1.25 times their MSE. The rest is `tools.verification`'s.
"""

import json
import sys
from pathlib import Path

from tools.git import committed_files
from tools.verification import compare, described


def main() -> int:
    """Compare; 0 if all is well."""
    files = [file for file in committed_files(Path(), "metrics") if Path(file).match("x?.json")]
    failed = [line for file in files for line in broken_claims(Path(file))]
    comparison = compare(Path())
    print("\n".join([*described(comparison), *failed]))
    return bool(failed) or not comparison.is_verified


def broken_claims(path: Path) -> list[str]:
    """A line for each thing that the default settings must reach and that a file denies."""
    made = json.loads(path.read_text())
    bicubic, mse, perceptual = made["bicubic"], made["mse"], made["perceptual"]
    claims = {
        "the MSE model beats bicubic in PSNR": mse["psnr_rgb"] > bicubic["psnr_rgb"],
        "the perceptual model has a lower LPIPS": perceptual["lpips"] < mse["lpips"],
        "its MSE is at most 1.25 times as high": perceptual["mse"] <= 1.25 * mse["mse"],
    }
    return [f"{path}: not so: {claim}" for claim, holds in claims.items() if not holds]


if __name__ == "__main__":
    sys.exit(main())
