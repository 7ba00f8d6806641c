"""The state of a training run on disk, so that a run that is killed goes on and ends the same.

A state is one safetensors file, replaced in one stroke, that holds a digest of itself. It is named
by a digest of all that the run depends on, so that it is never taken for another run's.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from srcnn.errors import InputError
from srcnn.tensors import Weights, read_tensors, write_tensors


class Checkpoint:
    """Keeps the latest state of one run.

    Args:
        folder: for the states of this stage alone.
        run: whatever the run depends on: settings, images, code; its `repr` counts.
    """

    def __init__(self, folder: Path, run: object):
        self.folder = folder
        digest = hashlib.sha256(repr(run).encode()).hexdigest()
        self.path = folder / f"{digest[:32]}.safetensors"
        self._lock = FileLock(folder / ".lock")

    def hold(self) -> None:
        """Keep other processes from the folder until `remove`, or until this one has ended.

        Raises:
            InputError: another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"{self.folder}: another process is training this; wait until it has ended, or end "
                "it: the same command goes on from there"
            ) from None

    def load(self) -> tuple[Weights, dict[str, Any]] | None:
        """The tensors and facts that were saved last, or None.

        A file that is not as it was written is set aside, and a line says so.
        """
        if not self.path.exists():
            if any(self.folder.glob("*.safetensors")):
                print(f"{self.folder}: what other settings or data left is not taken", flush=True)
            return None
        try:
            tensors, about = read_tensors(self.path)
            if about.pop("digest") == _digest(tensors, about):
                return tensors, about
            fault = "it is not as it was written"
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            fault = str(error)
        aside = self.path.with_suffix(".damaged")
        self.path.replace(aside)
        print(f"{self.path}: damaged ({fault}), now {aside.name}; training begins anew", flush=True)
        return None

    def save(self, tensors: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Replace the state by this one."""
        packed = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        write_tensors(packed, self.path, {**about, "digest": _digest(packed, about)})

    def remove(self) -> None:
        """Forget the run, which has ended well, and all that was left of earlier ones."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


def _digest(tensors: Weights, about: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
