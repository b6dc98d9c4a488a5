"""A spool: what can be read only once, kept in a file without a name for as long as this process lives."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from advisor.errors import AdvisorError

_NAMES: dict[Path, str] = {}


def keep(pieces: Iterable[bytes], name: str) -> Path:
    """Write all pieces to a new file and say where it can be opened; `name` is what to call it to the user."""
    try:
        with tempfile.TemporaryFile() as file:
            file.writelines(pieces)
            file.flush()
            kept = os.dup(file.fileno())
    except OSError as error:
        what = f"cannot be kept in {tempfile.gettempdir()}: {error.strerror}"
        raise AdvisorError(name, what, "set TMPDIR to a folder with space") from None
    path = Path(f"/proc/{os.getpid()}/fd/{kept}")
    _NAMES[path] = name
    return path


def drop(path: Path) -> None:
    """Give its space back before this process ends."""
    del _NAMES[path]
    os.close(int(path.name))


def name(path: Path) -> str | None:
    """What to call a spool to the user; None for a path that is none."""
    return _NAMES.get(path)
