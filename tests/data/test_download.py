import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcnn.data.download import Remote, fetch
from srcnn.errors import InputError
from srcnn.utils.files import check_room
from tests.server import (
    Answer,
    Server,
    another_part,
    cut_after,
    hang_up,
    stall,
    status,
    whole,
    without_ranges,
    wrong_bytes,
)

OneLine = Callable[[Any], str]
CONTENT = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ADVICE = "do something else"


@pytest.fixture(autouse=True)
def _file(server: Server) -> None:
    server.files["set.zip"] = CONTENT


def remote(server: Server, **changes: Any) -> Remote:
    facts: dict[str, Any] = {
        "url": f"{server.url}/set.zip",
        "algorithm": "sha256",
        "checksum": SHA256,
        "size": len(CONTENT),
    }
    return Remote(**(facts | changes))


def kept(folder: Path) -> list[str]:
    """The files in the folder, except locks."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_file_is_downloaded_only_once(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        path = fetch(remote(server), tmp_path / "new/cache", ADVICE)
        assert path.read_bytes() == CONTENT
    assert server.asked == [("set.zip", None)]
    assert kept(tmp_path / "new/cache") == ["set.zip"]


def test_a_valid_local_copy_needs_no_network(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(CONTENT)
    unreachable = Remote("http://127.0.0.1:9/set.zip", "sha256", SHA256, len(CONTENT))
    assert fetch(unreachable, tmp_path, ADVICE).read_bytes() == CONTENT


def test_a_read_only_folder_gives_its_valid_copies(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(CONTENT)
    tmp_path.chmod(0o500)
    unreachable = Remote("http://127.0.0.1:9/set.zip", "sha256", SHA256, len(CONTENT))
    assert fetch(unreachable, tmp_path, ADVICE).read_bytes() == CONTENT
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_either_checksum_is_enough(server: Server, tmp_path: Path, algorithm: str) -> None:
    checksum = hashlib.new(algorithm, CONTENT).hexdigest()
    fetch(remote(server, algorithm=algorithm, checksum=checksum), tmp_path, ADVICE)
    (tmp_path / "set.zip").unlink()
    with pytest.raises(InputError, match=algorithm):
        fetch(remote(server, algorithm=algorithm, checksum="0" * 32), tmp_path, ADVICE)


def test_a_killed_download_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT[:123_456])
    assert fetch(remote(server), tmp_path, ADVICE).read_bytes() == CONTENT
    assert server.asked == [("set.zip", "bytes=123456-")]
    assert kept(tmp_path) == ["set.zip"]


def test_a_download_continues_while_it_makes_progress(server: Server, tmp_path: Path) -> None:
    server.answers += [cut_after(24_576) for _ in range(10)]
    assert fetch(remote(server), tmp_path, ADVICE).read_bytes() == CONTENT
    ranges = [asked for _, asked in server.asked]
    assert ranges == [None] + [f"bytes={24_576 * count}-" for count in range(1, 11)]


@pytest.mark.parametrize("size", [None, len(CONTENT)], ids=["size not known", "size known"])
def test_a_download_restarts_if_the_server_ignores_ranges(
    server: Server, tmp_path: Path, size: int | None
) -> None:
    server.answers += [cut_after(150_000), without_ranges]
    path = fetch(remote(server, size=size), tmp_path, ADVICE)
    assert path.read_bytes() == CONTENT


def test_a_download_fails_if_the_server_ignores_ranges_and_always_cuts(
    server: Server, tmp_path: Path, one_line: OneLine
) -> None:
    server.answers += [cut_after(150_000, ranges=False) for _ in range(9)]
    with pytest.raises(InputError) as caught:
        fetch(remote(server), tmp_path, ADVICE)
    assert "the connection was cut" in one_line(caught)
    assert len(server.asked) == 4  # one that brought something, three that brought nothing new


@pytest.mark.parametrize("trouble", [status(500), status(503), status(429), hang_up, stall])
def test_a_temporary_failure_is_retried(server: Server, tmp_path: Path, trouble: Answer) -> None:
    server.answers += [trouble, trouble]
    assert fetch(remote(server), tmp_path, ADVICE).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (status(500), "500 Internal Server Error"),
        (hang_up, "no connection"),
        (stall, "the server stalled"),
    ],
)
def test_a_permanent_failure_is_one_line_and_the_part_is_kept(
    server: Server, tmp_path: Path, one_line: OneLine, trouble: Answer, reason: str
) -> None:
    server.answers += [cut_after(200_000), *[trouble] * 20]
    with pytest.raises(InputError) as caught:
        fetch(remote(server), tmp_path, ADVICE)
    message = one_line(caught)
    assert message.startswith(f"{server.url}/set.zip: ")
    assert reason in message
    assert ADVICE in message
    assert (tmp_path / "set.zip.part").stat().st_size >= 196_608
    server.answers.clear()
    assert fetch(remote(server), tmp_path, ADVICE).read_bytes() == CONTENT


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_refusal_is_reported_immediately(
    server: Server, tmp_path: Path, one_line: OneLine, code: int
) -> None:
    server.answers += [status(code)]
    with pytest.raises(InputError) as caught:
        fetch(remote(server), tmp_path, ADVICE)
    assert str(code) in one_line(caught)
    assert ADVICE in one_line(caught)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/set.zip",
        "http://:bad/set.zip",
        "http://a..b/set.zip",
        "http://[::1/set.zip",
    ],
)
def test_an_invalid_address_is_named(
    server: Server, tmp_path: Path, one_line: OneLine, url: str
) -> None:
    with pytest.raises(InputError) as caught:
        fetch(remote(server, url=url), tmp_path, ADVICE)
    assert url in one_line(caught)
    assert kept(tmp_path) == []


def test_wrong_content_is_downloaded_once_more(server: Server, tmp_path: Path) -> None:
    server.answers += [wrong_bytes, whole]
    assert fetch(remote(server), tmp_path, ADVICE).read_bytes() == CONTENT
    assert kept(tmp_path) == ["set.zip"]


def test_content_that_is_wrong_twice_is_refused_with_both_checksums(
    server: Server, tmp_path: Path, one_line: OneLine
) -> None:
    server.answers += [wrong_bytes, wrong_bytes]
    with pytest.raises(InputError) as caught:
        fetch(remote(server), tmp_path, ADVICE)
    message = one_line(caught)
    assert f"{server.url}/set.zip" in message
    assert SHA256 in message
    assert hashlib.sha256(bytes(255 - byte for byte in CONTENT)).hexdigest() in message
    assert kept(tmp_path) == []
    assert len(server.asked) == 2


def test_a_damaged_file_in_the_folder_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"x" * len(CONTENT))
    assert fetch(remote(server), tmp_path, ADVICE).read_bytes() == CONTENT


def test_a_damaged_file_in_the_folder_counts_as_the_first_failure_and_stays(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "set.zip").write_bytes(b"x" * len(CONTENT))
    server.answers += [wrong_bytes]
    with pytest.raises(InputError, match="twice with a wrong checksum"):
        fetch(remote(server), tmp_path, ADVICE)
    assert kept(tmp_path) == ["set.zip"]
    assert len(server.asked) == 1


def test_a_file_of_another_size_is_refused_before_it_is_transferred(
    server: Server, tmp_path: Path, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        fetch(remote(server, size=1000), tmp_path, ADVICE)
    assert "300000 bytes, not 1000" in one_line(caught)
    assert kept(tmp_path) == []


def test_a_complete_part_of_unknown_size_is_not_downloaded_again(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    assert fetch(remote(server, size=None), tmp_path, ADVICE).read_bytes() == CONTENT
    assert server.asked == [("set.zip", "bytes=300000-")]


def test_a_part_longer_than_the_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    assert fetch(remote(server, size=None), tmp_path, ADVICE).read_bytes() == CONTENT


def test_a_download_restarts_if_the_server_sends_another_part(
    server: Server, tmp_path: Path
) -> None:
    server.answers += [cut_after(100_000), another_part]
    assert fetch(remote(server), tmp_path, ADVICE).read_bytes() == CONTENT
    assert [asked is None for _, asked in server.asked] == [True, False, True]


def test_a_full_disk_is_reported_before_the_download(
    tmp_path: Path, one_line: OneLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10**9))
    check_room(10**9, tmp_path / "not/there/yet", "the archives", "move")
    with pytest.raises(InputError) as caught:
        check_room(3 * 10**9, tmp_path / "not/there/yet", "the archives", "move")
    message = one_line(caught)
    assert "3.00 GB" in message
    assert "1.00 GB" in message
    assert str(tmp_path / "not/there/yet") in message
