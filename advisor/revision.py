"""A revision of main.cf: its text with one setting replaced, everything else, its comments and their order kept.

Lines that stay as they are stay byte by byte; what `postconf -e` puts into one line keeps its lines here.
"""

import difflib
import re
from collections.abc import Sequence

from advisor.entry import parse_list
from advisor.errors import AdvisorError
from advisor.expression import SPACE
from advisor.setting import Setting, settings

_INDENT = "    "
# smtpd_client_restrictions = permit_mynetworks,
_HEAD = re.compile(r"[^\s=]+\s*=[ \t]*", re.ASCII)


def with_list(text: str, parameter: str, entries: Sequence[str]) -> str:
    """Give the text with a restriction list that has these entries, each spelled as in main.cf.

    A list written over several lines keeps them, and their comments: lines are added, taken out or changed only where
    entries are. Any other, and one that cannot be matched with the entries, is written anew, one entry a line.
    """
    standing = _standing(text, parameter)
    if standing is None:
        return _appended(text, [f"{parameter} =", *(f"{_INDENT}{entry}" for entry in entries)])
    if _spelled(standing.value, parameter) == list(entries):
        return text
    lines = text.split("\n")
    span = lines[standing.first - 1 : standing.last]
    kept = _matched(span, parameter, entries)
    if kept is None or _spelled(_value("\n".join(kept)), parameter) != list(entries):
        comments = [line for line in span if not _content(line)]
        kept = [*comments, f"{parameter} =", *(f"{_INDENT}{entry}" for entry in entries)]
    return "\n".join([*lines[: standing.first - 1], *kept, *lines[standing.last :]])


def with_value(text: str, name: str, value: str) -> str:
    """Give the text with a setting of one line."""
    standing = _standing(text, name)
    if standing is None:
        return _appended(text, [f"{name} = {value}"])
    lines = text.split("\n")
    comments = [line for line in lines[standing.first - 1 : standing.last] if not _content(line)]
    return "\n".join([*lines[: standing.first - 1], *comments, f"{name} = {value}", *lines[standing.last :]])


def difference(before: str, after: str, name: str) -> tuple[str, ...]:
    """Give the unified diff of two texts that both go by a name, as patch(1) takes it; () where nothing differs."""
    found: list[str] = []
    for line in difflib.unified_diff(_with_ends(before), _with_ends(after), name, name):
        found.append(line.removesuffix("\n"))
        if not line.endswith("\n"):
            found.append("\\ No newline at end of file")
    return tuple(found)


def _with_ends(text: str) -> list[str]:
    """Split at line feeds only: Postfix ends a line nowhere else."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _standing(text: str, parameter: str) -> Setting | None:
    """Find the setting that counts: the last."""
    return next((each for each in reversed(settings(text)[0]) if each.name == parameter), None)


def _appended(text: str, lines: Sequence[str]) -> str:
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}" + "\n".join(lines) + "\n"


def _content(line: str) -> bool:
    """Whether a line is more than a comment or blank."""
    bare = line.strip(SPACE)
    return bool(bare) and not bare.startswith("#")


def _value(text: str) -> str:
    found = settings(text)[0]
    return found[-1].value if found else ""


def _spelled(text: str, parameter: str) -> list[str] | None:
    """Spell each entry of a list; None where it cannot be read."""
    try:
        return [
            f"warn_if_reject {entry}" if entry.warn else str(entry) for entry in parse_list(text, parameter=parameter)
        ]
    except AdvisorError:
        return None


def _matched(span: Sequence[str], parameter: str, entries: Sequence[str]) -> list[str] | None:
    """Put the entries into the lines where they stood; None where they cannot be told apart by lines."""
    head = _HEAD.match(span[0])
    places = [at for at, line in enumerate(span) if _content(line)]
    # A list in one line has no lines to keep.
    if head is None or len(places) == 1:
        return None
    bodies = {at: span[at][head.end() :] if at == 0 else span[at] for at in places}
    stood = {at: _as_main_cf(body, parameter) for at, body in bodies.items()}
    if any(found is None for found in stood.values()):
        return None
    old = [(at, entry) for at, found in stood.items() for entry in found or ()]
    kept: dict[int, list[str]] = {at: [] for at in places}
    added: dict[int, list[str]] = {at: [] for at in places}
    matcher = difflib.SequenceMatcher(None, [entry for _, entry in old], list(entries), autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag == "equal":
            for at, entry in old[start:end]:
                kept[at].append(entry)
        elif tag == "replace":
            kept[old[start][0]].append(entries[first])
            added[old[start][0]] += entries[first + 1 : last]
        elif tag == "insert":
            before = old[start - 1][0] if start else 0
            inside = (start < len(old) and old[start][0] == before) or (not start and stood[0])
            (kept if inside else added)[before] += entries[first:last]
    return _laid_out(span, {at: (stood[at] or [], kept[at], added[at]) for at in places}, head[0])


def _as_main_cf(body: str, parameter: str) -> list[str] | None:
    """Spell what one line holds: all that it says, and nothing that the next line goes on with."""
    found = _spelled(body, parameter)
    said = body.strip(SPACE).rstrip(",").rstrip(SPACE)
    return None if found is None or said.endswith("warn_if_reject") else found


def _laid_out(
    span: Sequence[str], lines: dict[int, tuple[Sequence[str], Sequence[str], Sequence[str]]], head: str
) -> list[str]:
    """Write the lines: untouched ones as they are, others with what they hold now, what was added behind them."""
    continued = [span[at] for at in lines if at]
    indent = continued[0][: len(continued[0]) - len(continued[0].lstrip(SPACE))]
    comma = "," if continued[0].rstrip(SPACE).endswith(",") else ""
    found: list[str] = []
    added: Sequence[str] = ()
    for at, line in enumerate(span):
        if at not in lines:
            found.append(line)
            continue
        stood, kept, added = lines[at]
        if list(stood) == list(kept):
            found.append(line)
        elif kept or at == 0:
            ends = "," if line.rstrip(SPACE).endswith(",") and kept else ""
            found.append(f"{head if at == 0 else indent}{', '.join(kept)}{ends}".rstrip(" "))
        found += [f"{indent}{entry}{comma}" for entry in added]
    if added:
        found[-1] = found[-1].removesuffix(comma)
    return found
