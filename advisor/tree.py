"""A tree: a machine's files below one folder, which may be a copy; nothing is written, and nothing outside is read."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

_LINKS = 20
"""Symbolic links followed in one path, as many as Linux follows at least (ELOOP)."""
_LARGEST = 1_000_000


class Tree:
    """Files by their path as the machine itself names them, without the slash before it: `etc/resolv.conf`.

    `unreadable` collects what is there and may not be read, so that it is not taken for missing.
    """

    def __init__(self, root: Path) -> None:
        """Look below this folder only; an absolute link in a copy leads to the copy's file, not to this machine's."""
        self.root = root
        self.unreadable: set[str] = set()

    def text(self, path: str) -> str | None:
        """What stands in a file, at most 1 MB of it; None where there is no such file, or it may not be read."""
        place = self._place(path)
        try:
            if place is None or not stat.S_ISREG(place.lstat().st_mode):
                return None
            with place.open("rb") as file:
                return file.read(_LARGEST).decode(errors="replace")
        except PermissionError:
            self.unreadable.add(path)
        except OSError:
            # it is not there (any more), which is all that is asked
            pass
        return None

    def has(self, path: str) -> bool:
        """Whether anything is there."""
        place = self._place(path)
        return place is not None and os.path.lexists(place)

    def target(self, path: str) -> str:
        """Where a symbolic link points; '' for anything else."""
        place = self._place(str(PurePosixPath(path).parent))
        try:
            return str((place or self.root).joinpath(PurePosixPath(path).name).readlink())
        except OSError:
            return ""

    def _place(self, path: str) -> Path | None:
        """Follow links within the root, as chroot(2) would; None where they go round in circles."""
        left = [part for part in reversed(path.split("/")) if part]
        done: list[str] = []
        links = 0
        while left:
            part = left.pop()
            if part in (".", ""):
                continue
            if part == "..":
                del done[-1:]
                continue
            here = self.root.joinpath(*done, part)
            try:
                target = str(here.readlink())
            except OSError:
                done.append(part)
                continue
            links += 1
            if links > _LINKS:
                return None
            if target.startswith("/"):
                done = []
            left.extend(reversed(target.split("/")))
        return self.root.joinpath(*done)


class Sketch(Tree):
    """A tree given as texts by path, which is on no disk."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take the texts."""
        super().__init__(Path("/nonexistent"))
        self.texts = texts

    def text(self, path: str) -> str | None:
        """What was given for the path."""
        return self.texts.get(path)

    def has(self, path: str) -> bool:
        """Whether a text was given for it, or for something below it."""
        return path in self.texts or any(each.startswith(f"{path}/") for each in self.texts)

    def target(self, path: str) -> str:
        """Give '': it has no links."""
        del path
        return ""
