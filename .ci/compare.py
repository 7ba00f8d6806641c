"""Hold what the pipeline has just made against what is committed.

On the machine that the committed results name (device, threads, versions) nothing may differ by a
byte; on another, every metric must lie within the tolerance that metrics/environment.json states.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MADE = ("dvc.lock", "metrics", "plots")


def main() -> int:
    """Compare; 0 if all is well."""
    environment = json.loads(Path("metrics/environment.json").read_text())
    committed = json.loads(git("show", "HEAD:metrics/environment.json"))
    if environment == committed:
        changed = git("status", "--short", "--", *MADE)
        print(changed or f"same machine: {', '.join(MADE)} are as committed, byte for byte")
        return bool(changed)
    print("another machine: comparing metrics within the tolerance")
    for name in environment:
        if environment[name] != committed.get(name):
            print(f"  {name}: {environment[name]}; committed: {committed.get(name)}")
    deviations = [
        deviation
        for path in git("ls-files", "metrics/x*.json").split()
        if not path.endswith("_convention.json")
        for deviation in compare(path, committed["tolerance"])
    ]
    print("\n".join(deviations) or "every metric lies within the tolerance")
    return bool(deviations)


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
