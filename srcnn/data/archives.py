"""Reads images from zip files that a manifest lists, and downloads the files.

Nothing is unpacked: an image is read from its archive when it is needed. Names inside an archive
never become paths on the disk, and no more is read than the manifest allows.
"""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from srcnn.data.download import Remote, fetch
from srcnn.errors import InputError
from srcnn.images.kinds import IMAGE_SUFFIXES
from srcnn.utils.files import check_room
from srcnn.utils.paths import SPLITS, Split
from srcnn.utils.yaml_files import read_model

# Others, such as LZMA, unpack without a limit, and an image does not get smaller.
_METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


class Archive(BaseModel):
    """An entry of a manifest: a zip file of images (`datasets/div2k.yaml` explains the keys)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: Annotated[str, Field(pattern=r"^https?://.+\.zip$")]
    name: Annotated[str, Field(pattern=r"^[^/\\]+\.zip$")] | None = None
    bytes: Annotated[int, Field(gt=0, lt=2**63)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    split: Split
    scale: PositiveInt | None = None
    folder: str = ""
    images: PositiveInt
    unpacked_bytes: Annotated[int, Field(gt=0, lt=2**63)]

    @model_validator(mode="after")
    def _has_a_checksum(self) -> Self:
        if not (self.sha256 or self.md5):
            raise ValueError("sha256: missing; a checksum is needed, sha256 or md5")
        return self

    @model_validator(mode="after")
    def _has_a_file_name(self) -> Self:
        name = self.remote(None).name
        if not (name.isprintable() and re.fullmatch(r"[^/\\]+\.zip", name)):
            raise ValueError("name: set it to a file name that ends in .zip")
        return self

    def remote(self, base_url: str | None) -> Remote:
        """The file on its server, or on the server at `base_url`."""
        algorithm, checksum = ("sha256", self.sha256) if self.sha256 else ("md5", self.md5)
        remote = Remote(self.url, algorithm, checksum or "", self.bytes, self.name)
        url = f"{base_url.rstrip('/')}/{remote.name}" if base_url else self.url
        return replace(remote, url=url)


class Manifest(BaseModel):
    """The archives of a data set."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    archives: list[Archive]

    @model_validator(mode="after")
    def _is_a_data_set(self) -> Self:
        for split in SPLITS:
            if not any(a.split == split and a.scale is None for a in self.archives):
                raise ValueError(f"archives: none holds the HR images of split: {split}")
        checksums: dict[str, str] = {}
        for remote in (archive.remote(None) for archive in self.archives):
            if checksums.setdefault(remote.name, remote.checksum) != remote.checksum:
                raise ValueError(f"archives: two files are called {remote.name}; set name: of one")
        return self


class Images:
    """The images of a downloaded archive, by name in its folder; InputError if not as listed."""

    def __init__(self, archive: Archive, path: Path):
        self.archive, self.path = archive, path
        inside = f"{archive.folder.strip('/')}/" if archive.folder else ""
        try:
            with zipfile.ZipFile(path) as file:
                entries = [entry for entry in file.infolist() if _is_image(entry, inside)]
        except Exception as error:  # damaged files raise exceptions of many types
            raise InputError(f"{path}: cannot be read as a zip file ({_reason(error)})") from None
        entries.sort(key=lambda entry: entry.filename)
        self.entries = {entry.filename.removeprefix(inside): entry for entry in entries}
        if any(entry.compress_type not in _METHODS for entry in entries):
            raise InputError(f"{path}: an image is not stored or deflated; make the zip file again")
        where = f"{path}: {archive.folder or 'the whole archive'}"
        if len(self.entries) < len(entries):
            raise InputError(f"{where}: several images have the same name")
        if len(entries) != archive.images:
            raise InputError(f"{where}: {len(entries)} images; the manifest says {archive.images}")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > archive.unpacked_bytes:
            most = archive.unpacked_bytes
            raise InputError(f"{where}: {unpacked} bytes of images; unpacked_bytes allows {most}")

    def read(self, name: str) -> bytes:
        """The bytes of one image; InputError if it is damaged or encrypted."""
        entry = self.entries[name]
        try:
            with zipfile.ZipFile(self.path) as file, file.open(entry) as image:
                return image.read(entry.file_size)  # unpacks no more, and checks the CRC
        except Exception as error:  # damaged files raise exceptions of many types
            raise InputError(f"{self.path}: {name} cannot be read ({_reason(error)})") from None


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; InputError if it is missing or not YAML, or a key is unknown or wrong."""
    return read_model(Manifest, path, "data.manifest names it")


def fetch_archives(archives: Sequence[Archive], base_url: str | None, cache: Path) -> list[Images]:
    """Download the archives that `cache` lacks, and list their images; InputError if this fails."""
    remotes = [archive.remote(base_url) for archive in archives]
    missing = sum(remote.missing(cache) for remote in remotes)
    check_room(missing, cache, "the archives", "set data.cache_dir to a folder on another disk")
    advice = f"put the file into data.cache_dir ({cache}), or set data.base_url to another server"
    return [
        Images(archive, fetch(remote, cache, advice))
        for archive, remote in zip(archives, remotes, strict=True)
    ]


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _is_image(entry: zipfile.ZipInfo, inside: str) -> bool:
    path = PurePosixPath(entry.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    is_image = path.suffix.lower() in IMAGE_SUFFIXES and not entry.is_dir()
    return is_image and not hidden and entry.filename.startswith(inside)
