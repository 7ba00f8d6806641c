"""Downloads files over HTTP: resumes partial downloads, retries, and checks size and checksum."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import requests
from filelock import FileLock
from tqdm import tqdm

from srcnn.errors import InputError
from srcnn.utils.files import name_errors

TRIES = 8  # consecutive requests without new data after which a download fails
WAIT = 1.0  # seconds before the second request; doubled for each further one, two minutes in total
_TIMEOUT = (15, 60)  # seconds to connect, and without receiving a byte
_CHUNK = 1 << 13  # small, because a lost connection loses the current chunk


@dataclass(frozen=True)
class Remote:
    """A file on a server."""

    url: str  # http or https
    algorithm: str  # of the checksum: sha256 or md5
    checksum: str  # hexadecimal digits, all or the first ones
    size: int | None = None  # bytes, or None if unknown
    called: str | None = None  # name of the local copy; default: the last part of the url's path

    @property
    def name(self) -> str:
        """Name of the local copy."""
        return self.called or self.url.partition("?")[0].rpartition("/")[2]

    def fault(self, path: Path) -> str | None:
        """What is wrong with a local copy, with both sizes or checksums; None if nothing is."""
        if not path.is_file():
            return "missing"
        if self.size is not None and _size(path) != self.size:
            return f"wrong size: {_size(path)} bytes, expected {self.size}"
        with name_errors(path), path.open("rb") as file:
            actual = hashlib.file_digest(file, self.algorithm).hexdigest()
        if not actual.startswith(self.checksum):
            return f"wrong checksum: {self.algorithm} is {actual}, expected {self.checksum}"
        return None

    def missing(self, folder: Path) -> int:
        """Bytes still to download into `folder`, judged by sizes alone."""
        have = max(_size(folder / self.name), _size(_part(folder / self.name)))
        return max(0, (self.size or 0) - have)


class _CutError(Exception):
    """A transfer ended early for a reason that may be temporary."""


def fetch(remote: Remote, folder: Path, advice: str) -> Path:
    """Return the local copy of a file; download it if `folder` has no valid copy.

    A copy with the right size and checksum needs no network. A partial download `{name}.part` is
    resumed. A file that arrives with wrong content is downloaded once more. Several processes may
    share the folder. Messages of failed downloads end with `advice` for the user.

    Raises:
        InputError: the file cannot be downloaded, or has wrong content twice.
    """
    path = folder / remote.name
    part = _part(path)
    if remote.fault(path) is None:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{remote.name}.lock"):
        fault = remote.fault(path)  # another process may have downloaded it by now
        if fault is None:
            return path
        for _ in range(1 if path.is_file() else 2):
            if fault != "missing":
                print(f"{remote.name}: {fault}; downloading it again", flush=True)
            with name_errors(part):
                try:
                    _transfer(remote, part)
                except InputError as error:
                    raise InputError(f"{error}; {advice}") from None
            fault = remote.fault(part)
            if fault is None:
                part.replace(path)
                print(f"{remote.name}: {_size(path) / 1e9:.2f} GB downloaded", flush=True)
                return path
            part.unlink()
        raise InputError(f"{remote.url}: twice with a {fault}; {advice}")


def _transfer(remote: Remote, part: Path) -> None:
    """Download into `part`, starting at its end, until the file is complete."""
    most, idle = _size(part), 0
    bar = {"total": remote.size, "initial": most, "unit": "B", "unit_scale": True}
    with tqdm(desc=remote.name, disable=None, **bar) as progress:  # None: only on a terminal
        while True:
            try:
                return _append(remote, part, progress)
            except _CutError as cut:
                idle = 0 if _size(part) > most else idle + 1
                most = max(most, _size(part))
                if idle == TRIES:
                    kept = f"; {most} bytes are kept for the next run" if most else ""
                    raise InputError(f"{remote.url}: download failed ({cut}){kept}") from None
                wait = WAIT * 2 ** max(0, idle - 1)
                progress.write(f"{remote.name}: {cut}; trying again in {wait:.0f} s")
                time.sleep(wait)


def _append(remote: Remote, part: Path, progress: "tqdm[None]") -> None:
    """Request the rest of `part` once and append it; raise _CutError if some is still missing."""
    have = _size(part)
    if remote.size is not None and have >= remote.size:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(remote.url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            content_range = response.headers.get("Content-Range", "")
            if response.status_code == 416:
                if content_range == f"bytes */{have}":
                    return  # a file of unknown size was already complete
                part.unlink()  # longer than the server's file: start again
            _check_response(remote, response)
            resumed = response.status_code == 206
            if resumed and not content_range.startswith(f"bytes {have}-"):
                part.unlink()
                raise _CutError("the server sent another part than requested")
            with part.open("ab" if resumed else "wb") as file:
                progress.n = file.tell()
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    progress.update(len(chunk))
                    if remote.size is not None and file.tell() > remote.size:
                        return  # too long: `fault` reports the size
    except ValueError as error:  # an invalid address
        raise InputError(f"{remote.url}: {error}") from None
    except requests.RequestException as error:
        raise _CutError(_reason(error)) from None
    if _size(part) < (remote.size or 0):
        raise _CutError("the connection was cut")


def _check_response(remote: Remote, response: requests.Response) -> None:
    """Raise _CutError for a failure that may be temporary, InputError for a permanent one."""
    status = response.status_code
    if status in (408, 416, 425, 429) or status >= 500:
        raise _CutError(f"the server answered {status} {response.reason}")
    if status not in (200, 206):  # 206 answers only a request with Range
        raise InputError(f"{remote.url}: the server answered {status} {response.reason}")
    length = response.headers.get("Content-Length", "")
    if status == 200 and remote.size is not None and length not in ("", str(remote.size)):
        raise InputError(f"{remote.url}: the server's file has {length} bytes, not {remote.size}")


def _reason(error: requests.RequestException) -> str:
    """A short reason; the texts of requests contain urllib3's object addresses."""
    if isinstance(error, requests.exceptions.SSLError):
        return f"no secure connection: {error}"
    stalled = isinstance(error, requests.Timeout) or "timed out" in str(error)
    if stalled and not isinstance(error, requests.ConnectTimeout):
        return "the server stalled"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    return "no connection" if isinstance(error, requests.ConnectionError) else str(error)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _part(path: Path) -> Path:
    """The partial download of a file."""
    return path.with_name(f"{path.name}.part")
