"""A depot: a store in an object storage, by its URL. Objects come and go whole there, and nothing is renamed.

An object is named after the part, where that ends and under which lease (advisor.lease) it was put there; so no object
is ever written over. Where two overlap, that of the later lease counts, and of one lease the longer: it was put there
last, by somebody who knew of the other.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from advisor.errors import AdvisorError

# s3://mail/store; as a Path it has lost one of its slashes
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/{1,3}(?P<place>[^/].*)")

WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
"""Where an object is there as a whole or not at all, and may be made only if it is not there (fsspec's `create`)."""

# 0123456789abcdef-00000000000000000000-00000000000033554432-00000001.parquet
_KEY = re.compile(r"(?P<source>[0-9a-f]{16}(?:\.\d+)?)-(?P<start>\d{20})-(?P<end>\d{20})-(?P<lease>\d{8})\.parquet")
_OTHERS = (
    "botocore.exceptions.BotoCoreError",
    "aiohttp.client_exceptions.ClientError",
    "azure.core.exceptions.AzureError",
)
"""What storage libraries raise besides OSError."""


class Entry(NamedTuple):
    """An object that holds a part: the part's source, where that starts and ends in it, and the lease's number."""

    source: str
    start: int
    end: int
    lease: int

    @property
    def key(self) -> str:
        """Its name in the storage."""
        return f"{self.source}-{self.start:020d}-{self.end:020d}-{self.lease:08d}.parquet"

    @property
    def name(self) -> str:
        """The part's name."""
        return f"{self.source}-{self.start:020d}.parquet"

    @classmethod
    def of(cls, key: str) -> "Entry | None":
        """Read a name; None where it is of something else."""
        found = _KEY.fullmatch(key)
        return found and cls(found["source"], int(found["start"]), int(found["end"]), int(found["lease"]))


class Object(NamedTuple):
    """A part in a depot, which can be opened as a path can."""

    depot: "Depot"
    name: str

    def __str__(self) -> str:
        return f"{self.depot}/{self.name}"

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open it for reading."""
        return self.depot.open(self.name, mode)


class Held(Protocol):
    """A lease that we hold (advisor.lease)."""

    number: int

    def check(self) -> None:
        """Make sure that it is still ours; BusyError where it is not."""


def valid(found: Iterable[Entry]) -> list[Entry]:
    """Leave out what another object stands for, too."""
    kept: dict[str, list[Entry]] = {}
    for entry in sorted(found, key=lambda entry: (entry.lease, entry.end, -entry.start), reverse=True):
        its = kept.setdefault(entry.source, [])
        if all(entry.end <= other.start or other.end <= entry.start for other in its):
            its.append(entry)
    return [entry for its in kept.values() for entry in its]


def url(store: Path) -> str | None:
    """Give a URL as it is spelled, though it may have become a path on its way; None for a folder."""
    found = _URL.fullmatch(str(store))
    return found and f"{found['scheme']}://{found['place'].rstrip('/')}"


def spool(store: "Path | Depot") -> Path:
    """Where parts are made: in the store itself, or in a folder of this machine."""
    return store if isinstance(store, Path) else store.spool


def located(store: "Path | Depot") -> "Path | Depot":
    """Tell a URL from a folder; AdvisorError for a URL where nothing is sure to be whole."""
    if isinstance(store, Depot):
        return store
    found = url(store)
    if found is None:
        return store
    scheme, _, place = found.partition("://")
    return Path(f"/{place}") if scheme in ("file", "local") else Depot(found)


class Depot:
    """A store in an object storage. AdvisorError where the storage cannot be reached."""

    def __init__(self, url: str) -> None:
        """Begin with what is there."""
        self.url = url
        self.lease: Held | None = None
        self._entries: dict[str, Entry] = {}
        if url.partition(":")[0] not in WHOLE:
            what = "is no storage in which a part is there as a whole or not at all"
            raise AdvisorError(self.url, what, f"use a folder, or one of: {', '.join(sorted(WHOLE))}")
        try:
            # An extra: few stores are in an object storage.
            with self._asked():
                found = import_module("fsspec.core").url_to_fs(self.url, use_listings_cache=False)
        except ImportError as error:
            what = f"is in an object storage, and {error.name} is not installed"
            raise AdvisorError(self.url, what, "pip install 'maillog-advisor[objects]'") from None
        self._fs: Any = found[0]
        self._root: str = found[1]

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> Object:
        return Object(self, name)

    @property
    def spool(self) -> Path:
        """The folder of this machine in which parts for this depot are made."""
        return (
            Path(tempfile.gettempdir()) / f"maillog-advisor-{os.geteuid()}-{sha256(self.url.encode()).hexdigest()[:16]}"
        )

    def iterdir(self) -> Iterator[Object]:
        """List the parts; FileNotFoundError where there is nothing at all."""
        found = valid(entry for key in self.listing() if (entry := Entry.of(key)) is not None)
        self._entries = {entry.name: entry for entry in found}
        return iter([Object(self, name) for name in self._entries])

    def listing(self) -> list[str]:
        """List the names of all objects; FileNotFoundError where there are none."""
        with self._asked():
            self._fs.invalidate_cache()
            try:
                found = [str(path).rpartition("/")[2] for path in self._fs.ls(self._root, detail=False)]
            except FileNotFoundError:
                found = []
        if not found:
            raise FileNotFoundError(2, "there is nothing", self.url)
        return found

    def open(self, name: str, mode: str = "rb") -> BinaryIO:
        """Open a part by its name, as it was when the parts were listed last."""
        try:
            return self._open(name, mode)
        except FileNotFoundError:
            # An ingest has put a longer one in its place.
            self.iterdir()
            return self._open(name, mode)

    def _open(self, name: str, mode: str) -> BinaryIO:
        entry = self._entries.get(name)
        if entry is None:
            raise FileNotFoundError(2, "is not there", f"{self.url}/{name}")
        with self._asked():
            found: BinaryIO = self._fs.open(f"{self._root}/{entry.key}", mode)
        return found

    def put(self, file: Path, entry: Entry) -> None:
        """Add a part, then remove those that it stands for; BusyError where the lease went to somebody else."""
        assert self.lease is not None
        with self._told():
            self._fs.put_file(str(file), f"{self._root}/{entry.key}")
        self.lease.check()
        before = self._entries.get(entry.name)
        self._entries[entry.name] = entry
        if before is not None and before != entry:
            self.remove(before.key)

    def create(self, key: str, data: bytes) -> bool:
        """Make a small object, unless there is one of this name."""
        with self._told():
            try:
                self._fs.pipe_file(f"{self._root}/{key}", data, mode="create")
            except FileExistsError:
                return False
        return True

    def write(self, key: str, data: bytes) -> None:
        """Write a small object, whether there is one or not."""
        with self._told():
            self._fs.pipe_file(f"{self._root}/{key}", data)

    def read(self, key: str) -> bytes:
        """Read a small object; FileNotFoundError where there is none."""
        with self._asked():
            data: bytes = self._fs.cat_file(f"{self._root}/{key}")
        return data

    def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        with self._asked(), suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._root}/{key}")

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Say in our words what the storage's library says in its own; what is not there stays FileNotFoundError."""
        try:
            yield
        except (FileNotFoundError, AdvisorError):
            raise
        except _errors() as error:
            raise self._unreached(error) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """As _asked(), of something that is written: what is not there then is the bucket."""
        try:
            with self._asked():
                yield
        except FileNotFoundError as error:
            raise self._unreached(error) from None

    def _unreached(self, error: Exception) -> AdvisorError:
        what = f"cannot be reached or written: {error}"
        return AdvisorError(self.url, what, "look at its name, its credentials and the network")


def _errors() -> tuple[type[Exception], ...]:
    """What the storage libraries raise, those that are loaded."""
    names = (name.rpartition(".") for name in _OTHERS)
    loaded = [getattr(sys.modules[module], name) for module, _, name in names if module in sys.modules]
    return (OSError, ValueError, *loaded)
