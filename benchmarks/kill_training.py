"""Kill training with SIGKILL at random moments, start it again, and compare the results.

    python -m benchmarks.kill_training [--kills 20] [--seed 1]

Trains the sample once without kills (×4, perceptual loss, 4 epochs). Then runs are killed and
restarted until they complete, up to the number of kills. Model and curves must have the same bytes
each time. Needs the data/ of `make repro` and about ten minutes.
"""

import argparse
import hashlib
import random
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.sample import start_training, workspace

SHORT = {"train.epochs.perceptual": 4, "train.patches_per_image": 80}
RESULT = (
    "models/x4/perceptual.safetensors",
    "metrics/training/x4_perceptual.csv",
    "metrics/grid/x4_perceptual.csv",
)


def main() -> None:
    """Print a line per run; fail with an AssertionError if the bytes differ."""
    parser = argparse.ArgumentParser(description="Kill training and compare the results.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random_times, kills, round_number = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        reference = workspace(Path(folder, "reference"), SHORT)
        start = time.monotonic()
        assert run(reference) is True
        seconds = time.monotonic() - start
        expected = sums(reference)
        print(f"without kills: {seconds:.0f} s, model {expected[0][:12]}, curve {expected[1][:12]}")
        while kills < options.kills:
            round_number += 1
            project, here = workspace(Path(folder, f"round{round_number}"), SHORT), 0
            # A checkpoint is saved every ten seconds; a run killed before that starts again.
            while not run(project, kill_after=random_times.uniform(5, 0.9 * seconds)):
                here += 1
            kills += here
            assert sums(project) == expected, "a killed run has a different result"
            assert not list(project.glob(".training/*")), "a checkpoint was left behind"
            print(f"round {round_number}: {here} kills, same model and curve", flush=True)
    print(f"{kills} kills: the same bytes each time")


def run(project: Path, kill_after: float | None = None) -> bool:
    """Run the stage; whether it completed before `kill_after` seconds."""
    process = start_training(project, 4, "perceptual")
    try:
        assert process.wait(kill_after) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def sums(project: Path) -> list[str]:
    """The sha256 of the model and the curves."""
    return [hashlib.sha256((project / name).read_bytes()).hexdigest() for name in RESULT]


if __name__ == "__main__":
    main()
