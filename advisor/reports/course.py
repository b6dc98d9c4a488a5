"""A course: what is to be typed for a change, in blocks of which each can be copied."""

import re
from collections.abc import Sequence

LINES = 300
"""Lines of a block that a page shows: an allowlist may have thousands, and the page has a ceiling."""

# # /etc/postfix/main.cf:   # /etc/postfix/client_access, add:   # or, instead of the editor:   # then:
_HEAD = re.compile(r"# (?:(?P<file>/[^,:]+)(?P<add>, add)?|or, instead of the editor|then):\Z")


def blocks(lines: Sequence[str]) -> list[tuple[str, list[str]]]:
    """What is to be typed (advisor.change), in blocks of which each may be copied as it stands, under their heads."""
    found: list[tuple[str, list[str]]] = [("Type", [])]
    for line in lines:
        head = _HEAD.match(line)
        if head is None:
            found[-1][1].append(line)
        elif head["file"]:
            found.append((f"{'Add to' if head['add'] else 'In'} {head['file']}", []))
        else:
            found.append((line.removeprefix("# ").removesuffix(":").capitalize(), []))
    return [(words, typed) for words, typed in found if typed]
