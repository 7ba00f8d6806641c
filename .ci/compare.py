"""Hold what the pipeline has just made against what is committed.

On any machine the MSE models must beat bicubic, and the perceptual models the MSE models in LPIPS
with at most 1.25 times their MSE. In the environment that the committed results name (device, which
is any x86-64 CPU where `portable: true` is set, threads, versions) nothing may differ by a byte; in
another, every metric must lie within the tolerance that metrics/environment.json states.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MADE = ("dvc.lock", "metrics", "plots")


def main() -> int:
    """Compare; 0 if all is well."""
    failed = [line for path in metric_files() for line in broken_claims(path)]
    if failed:
        print("\n".join(failed))
        return 1
    environment = json.loads(Path("metrics/environment.json").read_text())
    committed = json.loads(git("show", "HEAD:metrics/environment.json"))
    if environment == committed:
        changed = git("status", "--short", "--", *MADE)
        print(changed or f"same environment: {', '.join(MADE)} are as committed, byte for byte")
        return bool(changed)
    print("another environment: comparing metrics within the tolerance")
    for name in environment:
        if environment[name] != committed.get(name):
            print(f"  {name}: {environment[name]}; committed: {committed.get(name)}")
    deviations = [
        deviation for path in metric_files() for deviation in compare(path, committed["tolerance"])
    ]
    print("\n".join(deviations) or "every metric lies within the tolerance")
    return bool(deviations)


def metric_files() -> list[str]:
    """The committed metrics, a file per scale."""
    files = git("ls-files", "metrics/x*.json").split()
    return [file for file in files if not file.endswith("_convention.json")]


def broken_claims(path: str) -> list[str]:
    """A line for each thing that the default settings must reach and that a file denies."""
    made = json.loads(Path(path).read_text())
    bicubic, mse, perceptual = made["bicubic"], made["mse"], made["perceptual"]
    claims = {
        "the MSE model beats bicubic in PSNR": mse["psnr_rgb"] > bicubic["psnr_rgb"],
        "the perceptual model has a lower LPIPS": perceptual["lpips"] < mse["lpips"],
        "its MSE is at most 1.25 times as high": perceptual["mse"] <= 1.25 * mse["mse"],
    }
    return [f"{path}: not so: {claim}" for claim, holds in claims.items() if not holds]


def compare(path: str, tolerance: dict[str, dict[str, float]]) -> list[str]:
    """A line for every metric of a file that lies further off than the tolerance allows."""
    made = json.loads(Path(path).read_text())
    committed: dict[str, dict[str, Any]] = json.loads(git("show", f"HEAD:{path}"))
    lines = []
    for method, metrics in committed.items():
        for metric, expected in metrics.items():
            actual = made[method][metric]
            allowed = tolerance[metric].get("absolute", 0.0)
            allowed += tolerance[metric].get("relative", 0.0) * abs(expected)
            if not abs(actual - expected) <= allowed:
                lines.append(
                    f"{path}: {method} {metric}: {actual}, committed {expected} ± {allowed:.3g}"
                )
    return lines


def git(*arguments: str) -> str:
    """Output of a git command."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
