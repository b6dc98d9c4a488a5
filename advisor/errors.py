"""What the user can mend.

AdvisorError        where, what, what to do; one line on stderr, exit 2
"""


class AdvisorError(Exception):
    """Something the user can mend: says where it is, what is wrong, and what to do about it."""

    def __init__(self, where: str, what: str, todo: str) -> None:
        """Take the three parts; `str()` joins them to one line."""
        super().__init__(where, what, todo)
        self.where = where
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        # A file name or a log text may hold a line break; the promise is one line.
        return " ".join(f"{self.where}: {self.what}; {self.todo}".split())
