"""Files by HTTP: resumed after a cut, tried again with patience, checked before they are used."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import requests
from filelock import FileLock
from tqdm import tqdm

from srcnn.errors import InputError

TRIES = 8
"""Tries in a row that bring nothing new before a server is given up."""

WAIT = 1.0
"""Seconds before the second try, doubled for each further one: two minutes in all."""

_TIMEOUT = (15, 60)  # seconds to connect, and without a byte; then the connection counts as cut
_CHUNK = 1 << 13  # small, as what of one has come when a connection is cut is lost


@dataclass(frozen=True)
class Remote:
    """A file on a server and how it is recognised.

    Args:
        url: http or https.
        algorithm: of `checksum`, `sha256` or `md5`.
        checksum: hexadecimal digits, all of them or the first ones.
        size: in bytes, or None where it is not known.
        called: what the local copy is called; the last part of the url's path if None.
    """

    url: str
    algorithm: str
    checksum: str
    size: int | None = None
    called: str | None = None

    @property
    def name(self) -> str:
        """The local copy's name."""
        return self.called or self.url.partition("?")[0].rpartition("/")[2]

    def fault(self, path: Path) -> str | None:
        """What tells a local file from this one, with both sizes or both sums; None if nothing."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f"wrong size: {size} bytes, expected {self.size}"
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, self.algorithm).hexdigest()
        if not actual.startswith(self.checksum):
            return f"wrong checksum: {self.algorithm} is {actual}, expected {self.checksum}"
        return None

    def missing(self, folder: Path) -> int:
        """Bytes that `folder` lacks of it, as far as sizes tell."""
        have = max(_size(folder / self.name), _size(_part(folder / self.name)))
        return max(0, (self.size or 0) - have)


class _CutError(Exception):
    """A transfer ended early, for a reason that may pass."""


def fetch(remote: Remote, folder: Path, otherwise: str) -> Path:
    """Give the local copy of a file, fetching it if `folder` does not hold it yet.

    A copy whose size and checksum are right is taken as it is, without the network. What a cut or
    a kill leaves, `{name}.part`, is gone on from. A file that arrives wrong is fetched once more.

    Args:
        remote: the file.
        folder: keeps it for the next time; may be shared by processes.
        otherwise: what a user can do where it cannot be had, for the end of the message.

    Raises:
        InputError: the file cannot be had, or is wrong twice.
    """
    path = folder / remote.name
    if path.is_file() and remote.fault(path) is None:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{remote.name}.lock"):  # another process may be fetching it
        fault = remote.fault(path) if path.is_file() else None
        if path.is_file() and fault is None:
            return path
        part = _part(path)
        for _ in range(1 if fault else 2):
            if fault:
                print(f"{remote.name}: {fault}; fetching it again", flush=True)
            try:
                _transfer(remote, part)
            except InputError as error:
                raise InputError(f"{error}; {otherwise}") from None
            fault = remote.fault(part)
            if fault is None:
                part.replace(path)
                print(f"{remote.name}: {path.stat().st_size / 1e9:.2f} GB fetched", flush=True)
                return path
            part.unlink()
        raise InputError(f"{remote.url}: twice with a {fault}; {otherwise}")


def _transfer(remote: Remote, part: Path) -> None:
    """Fetch into `part`, from where it ends, until the file is whole."""
    most, idle = _size(part), 0
    with tqdm(
        desc=remote.name,
        total=remote.size,
        initial=most,
        unit="B",
        unit_scale=True,
        disable=None,  # only on a terminal
    ) as progress:
        while True:
            try:
                return _append(remote, part, progress)
            except _CutError as cut:
                idle = 0 if _size(part) > most else idle + 1
                most = max(most, _size(part))
                if idle == TRIES:
                    kept = f"; {most} bytes of it are kept for the next run" if most else ""
                    raise InputError(f"{remote.url}: cannot be fetched ({cut}){kept}") from None
                wait = WAIT * 2 ** max(0, idle - 1)
                progress.write(f"{remote.name}: {cut}; trying again in {wait:.0f} s")
                time.sleep(wait)


def _append(remote: Remote, part: Path, progress: "tqdm[None]") -> None:
    """Ask once for what `part` lacks and write what comes; raise _CutError if that is not all."""
    have = _size(part)
    if remote.size is not None and have >= remote.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with requests.get(remote.url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            content_range = response.headers.get("Content-Range", "")
            if response.status_code == 416 and content_range == f"bytes */{have}":
                return  # of a file of unknown size everything was there already
            if response.status_code == 416:
                part.unlink()  # longer than the server's file: begin anew
            _check_answer(remote, response)
            resumed = response.status_code == 206
            if resumed and not content_range.startswith(f"bytes {have}-"):
                part.unlink()  # the server cannot go on from where it ends: begin anew
                raise _CutError("the server sent another part than was asked for")
            with part.open("ab" if resumed else "wb") as file:
                progress.n = file.tell()
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    progress.update(len(chunk))
                    if remote.size is not None and file.tell() > remote.size:
                        return  # longer than it should be: its size will tell
    except ValueError as error:  # requests' and urllib3's of an address are
        raise InputError(f"{remote.url}: {error}") from None
    except requests.RequestException as error:
        raise _CutError(_reason(error)) from None
    if _size(part) < (remote.size or 0):
        raise _CutError("the connection was cut")


def _check_answer(remote: Remote, response: requests.Response) -> None:
    """Raise _CutError for an answer that may be better next time, InputError for other bad ones."""
    status = response.status_code
    if status in (408, 416, 425, 429) or status >= 500:
        raise _CutError(f"the server answered {status} {response.reason}")
    if status not in (200, 206):  # 206 comes only where a range was asked for
        raise InputError(f"{remote.url}: the server answered {status} {response.reason}")
    length = response.headers.get("Content-Length", "")
    if status == 200 and remote.size is not None and length not in ("", str(remote.size)):
        raise InputError(f"{remote.url}: the server's file has {length} bytes, not {remote.size}")


def _reason(error: requests.RequestException) -> str:
    """A short reason: requests wraps urllib3's exceptions, whose texts hold object addresses."""
    if isinstance(error, requests.exceptions.SSLError):
        return f"no secure connection: {error}"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection"
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        return "the server stalled"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return str(error)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _part(path: Path) -> Path:
    """What has come of a file so far."""
    return path.with_name(f"{path.name}.part")
