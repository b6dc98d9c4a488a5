"""An absence: a package that is not found for a while, by those who would import it and do not need it."""

import sys
from types import TracebackType
from typing import Self


class Absence:
    """Hides a package that is not imported yet, while a `with` block lasts.

    pyarrow looks for pandas when it makes its first array of something that it does not know, and takes a fifth of a
    second for that; it does without it, and looks again when it is asked for a frame.
    """

    def __init__(self, name: str) -> None:
        """Choose what to hide."""
        self.name = name

    def __enter__(self) -> Self:
        """Begin to hide it."""
        sys.meta_path.insert(0, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it be found again."""
        sys.meta_path.remove(self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002 - importlib's
        """Answer the import system: this one is not there; others may know the rest."""
        if name == self.name:
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)
