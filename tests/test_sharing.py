"""Sharing results: `dvc push` and `dvc exp push` transfer enough for a second clone to run nothing.

A folder remote and a bare git repository are always tested; SSH only if sshd and dvc-ssh, S3 only
if moto and dvc-s3 are installed.
"""

import getpass
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests

from srcnn.utils.yaml_files import read_yaml
from tests.test_pipeline import stages_run
from tests.tiny_project import run

Remote = Callable[[Path], AbstractContextManager[tuple[str, dict[str, str]]]]
pytestmark = pytest.mark.long
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture(scope="module")
def author(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bare git repository, a folder remote, and a clone that has pushed to both."""
    folder = tmp_path_factory.mktemp("author")
    project = clone(made_project, folder / "project.git", "--bare").parent / "project"
    clone(folder / "project.git", project)
    run("dvc", "remote", "add", "--default", "shared", str(folder / "remote"), cwd=project)
    run("git", "commit", "--quiet", "--all", "-m", "Share results", cwd=project)
    run("git", "push", "--quiet", cwd=project)
    shutil.copytree(made_project / ".dvc/cache", project / ".dvc/cache")
    run("dvc", "checkout", "--quiet", cwd=project)
    run("dvc", "push", cwd=project)
    return folder


def clone(source: Path, folder: Path, *options: str) -> Path:
    run("git", "clone", "--quiet", *options, str(source), str(folder), cwd=source)
    return folder


def pushed(remote: Path) -> dict[str, Path]:
    """Return the files of a remote by md5."""
    return {path.parent.name + path.name: path for path in remote.glob("files/md5/*/*")}


def recorded(project: Path, remote: dict[str, Path]) -> dict[str, str]:
    """Return every output of dvc.lock that DVC stores, and every file in it, by md5."""
    stages = read_yaml(project / "dvc.lock")["stages"].values()
    kept = run("git", "ls-files", cwd=project).split()
    files = {}
    for out in (out for stage in stages for out in stage.get("outs", [])):
        if any(name == out["path"] or name.startswith(f"{out['path']}/") for name in kept):
            continue
        files[out["md5"]] = out["path"]
        if out["md5"].endswith(".dir"):
            listed = json.loads(remote[out["md5"]].read_text())
            files |= {entry["md5"]: f"{out['path']}/{entry['relpath']}" for entry in listed}
    return files


def test_a_second_clone_has_every_result_and_nothing_to_run(author: Path, tmp_path: Path) -> None:
    second = clone(author / "project.git", tmp_path / "second")
    run("dvc", "pull", cwd=second)
    assert stages_run(run("dvc", "repro", cwd=second)) == []
    assert run("git", "status", "--short", cwd=second) == ""
    for file in ("models/x2/mse.safetensors", "data/sr/x2/mse/0003.png", "plots/report.html"):
        assert (second / file).read_bytes() == (author / "project" / file).read_bytes()


def test_only_results_are_pushed(author: Path) -> None:
    remote = pushed(author / "remote")
    outputs = recorded(author / "project", remote)
    assert set(remote) == set(outputs)
    parts = {part for path in outputs.values() for part in Path(path).parts}
    assert not parts & {".training", ".decoded", ".finished"}
    sizes = {path: remote[md5].stat().st_size for md5, path in outputs.items()}
    models = [size for path, size in sizes.items() if path.startswith("models/")]
    assert len(models) == 2
    assert max(models) < 90_000
    ready = [size for path, size in sizes.items() if path.startswith("data/weights/")]
    assert sum(ready) < 11_000_000  # VGG up to the layer of the loss, and LPIPS


def test_one_model_can_be_pulled_alone(author: Path, tmp_path: Path) -> None:
    second = clone(author / "project.git", tmp_path / "second")
    run("dvc", "pull", "models/x2/mse.safetensors", cwd=second)
    assert [path.name for path in second.glob("models/*/*.safetensors")] == ["mse.safetensors"]
    assert not (second / "data").exists()


def test_an_experiment_reaches_another_clone(author: Path, tmp_path: Path) -> None:
    first = shutil.copytree(author / "project", tmp_path / "first", symlinks=True)
    second = clone(author / "project.git", tmp_path / "second")
    remote = shutil.copytree(author / "remote", tmp_path / "remote")
    for project in (first, second):
        run("dvc", "remote", "modify", "--local", "shared", "url", str(remote), cwd=project)
    run("dvc", "exp", "run", "--name", "unlisted", "-S", "data.validate=false", cwd=first)
    run("dvc", "exp", "push", "origin", "unlisted", cwd=first)
    run("dvc", "pull", cwd=second)
    assert "unlisted" in run("dvc", "exp", "list", "origin", cwd=second)
    run("dvc", "exp", "pull", "origin", "unlisted", cwd=second)
    run("dvc", "exp", "apply", "unlisted", cwd=second)
    assert stages_run(run("dvc", "repro", cwd=second)) == []
    assert (second / "dvc.lock").read_bytes() == (first / "dvc.lock").read_bytes()
    for file in ("data/validation.csv", "plots/report.html", "plots/claims.json"):
        assert (second / file).read_bytes() == (first / file).read_bytes()
    run("dvc", "exp", "remove", "--git-remote", "origin", "unlisted", cwd=first)
    assert "unlisted" not in run("dvc", "exp", "list", "origin", cwd=second)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def server(port: int, *command: str) -> Iterator[None]:
    """Start a server, wait until it answers, and stop it at the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as asker:
                if asker.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, command
            assert time.monotonic() < deadline, command
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def ssh_remote(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Run an SSH server with its own keys; yield the remote's address and settings."""
    port = free_port()
    for name in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name), cwd=folder)
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
        "Subsystem": "sftp internal-sftp",
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    with server(port, str(SSHD), "-D", "-f", "/dev/null", *options):
        user = getpass.getuser()
        yield f"ssh://{user}@127.0.0.1:{port}{folder}/remote", {"keyfile": str(folder / "user")}


@contextmanager
def s3_remote(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Run moto's S3 server, which accepts any credentials; yield the address and settings."""
    port = free_port()
    with server(port, sys.executable, "-m", "moto.server", "--port", str(port)):
        url = f"http://127.0.0.1:{port}"
        requests.put(f"{url}/bucket", timeout=10).raise_for_status()
        keys = {"access_key_id": "anyone", "secret_access_key": "anything"}
        yield "s3://bucket/srcnn", {"endpointurl": url, **keys}


def installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) for package in packages)


@pytest.mark.parametrize(
    "remote",
    [
        pytest.param(
            ssh_remote,
            marks=pytest.mark.skipif(
                not (SSHD and installed("dvc_ssh")), reason="needs sshd and dvc-ssh"
            ),
        ),
        pytest.param(
            s3_remote,
            marks=pytest.mark.skipif(
                not installed("dvc_s3", "moto", "flask"), reason="needs dvc-s3 and moto[server]"
            ),
        ),
    ],
)
def test_a_server_works_as_a_remote(author: Path, tmp_path: Path, remote: Remote) -> None:
    first = shutil.copytree(author / "project", tmp_path / "first", symlinks=True)
    second = clone(author / "project.git", tmp_path / "second")
    with remote(tmp_path) as (url, settings):
        for project in (first, second):
            run("dvc", "remote", "add", "--local", "--default", "server", url, cwd=project)
            for name, value in settings.items():
                run("dvc", "remote", "modify", "--local", "server", name, value, cwd=project)
        run("dvc", "push", cwd=first)
        run("dvc", "pull", cwd=second)
    assert stages_run(run("dvc", "repro", cwd=second)) == []
    assert run("git", "status", "--short", cwd=second) == ""
