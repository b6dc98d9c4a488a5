"""An output: the file that somebody names for an answer. It is replaced as a whole, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from advisor.errors import AdvisorError


@contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """Give the path to write to: one beside the file, which takes its place at the end.

    A link is followed. A device or a pipe is written to itself: there is nothing to replace. AdvisorError where it
    cannot be written.
    """
    part = None
    try:
        if output.exists() and not output.is_file():
            yield output
            return
        target = output.resolve() if output.is_symlink() else output
        part = target.with_name(f".{target.name}.part")
        yield part
        part.replace(target)
    except OSError as error:
        raise AdvisorError(str(output), f"cannot be written ({error.strerror})", "name another file") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
