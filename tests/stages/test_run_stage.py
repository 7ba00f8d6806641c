"""How a stage ends by a signal."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_project import ROOT

STAGE = """
import signal, sys
from pathlib import Path
from srcnn.utils.files import atomic_write
from stages.run_stage import run_stage

def main(settings):
    with atomic_write(Path(folder) / "a") as temporary:
        temporary.touch()
        signal.raise_signal(number)

folder, number = sys.argv.pop(), int(sys.argv.pop())
run_stage(main)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ignored", [False, True])
def test_a_signal_leaves_no_temporary_file_unless_it_is_ignored(
    tmp_path: Path, number: signal.Signals, ignored: bool
) -> None:
    trap = f"trap '' {number.name.removeprefix('SIG')};" if ignored else ""
    stage = [sys.executable, "-c", STAGE, str(number.value), str(tmp_path)]
    done = subprocess.run(
        ["sh", "-c", f'{trap} exec "$@"', "sh", *stage],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0 if ignored else 128 + number, "")
    assert [file.name for file in tmp_path.iterdir()] == (["a"] if ignored else [])
