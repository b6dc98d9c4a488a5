"""An amendment of main.cf: the lines as they will stand, the commands that write them, and those that take them back.

Nothing here changes a file: the administrator runs the commands.
"""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace

from advisor.entry import (
    KNOWN,
    OWN,
    Entry,
    before_guard,
    end_of,
    guarded,
    may_permit,
    parse_list,
    suggest,
    tokens,
    words,
)
from advisor.errors import AdvisorError
from advisor.postconf import Postconf

_RELAY, _RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
_OTHER_RELAY_LIST = {_RELAY: _RECIPIENT, _RECIPIENT: _RELAY}


def _lines(parameter: str, entries: Iterable[Entry]) -> list[str]:
    """Spell each entry as in main.cf; AdvisorError where it would be read back as something else.

    An argument may come from a log: a comma, blank or line break in it would smuggle in a restriction, and a
    dollar that Postfix cannot expand would stop it.
    """
    lines = []
    for entry in entries:
        words = ["warn_if_reject"] * entry.warn + entry.words()
        line = " ".join(words)
        clean = line.replace("\t", " ").isprintable() and "\ufffd" not in line and not line.startswith("#")
        if not clean or tokens(line, parameter) != words:
            raise AdvisorError(parameter, f"{line!r} cannot stand in main.cf", "leave this entry out")
        Postconf({}, parameter).expanded(line)
        lines.append(line)
    return lines


def with_entries(config: Postconf | None, parameter: str, entries: Sequence[Entry]) -> str:
    """Write the lines of main.cf as they will stand, one restriction a line.

    With a configuration, a name that is neither Postfix's nor one of its classes raises AdvisorError.
    """
    if config is not None:
        names = {*KNOWN, "check_access", *config.classes()}
        for entry in entries:
            if entry.name not in names and not entry.name.startswith("$"):
                near = suggest(entry.name, names)
                todo = f"did you mean {near}?" if near else "define it in smtpd_restriction_classes"
                raise AdvisorError(parameter, f"Postfix knows no restriction {entry.name}", todo)
    return "\n".join([f"{parameter} =", *(f"    {line}" for line in _lines(parameter, entries))]) + "\n"


def _as_written(config: Postconf, parameter: str) -> list[Entry]:
    """Read a list with its classes and $names left as they are, so that writing it back keeps them."""
    text = config.parameters[parameter] if config.is_set(parameter) else config.value(parameter)
    return list(parse_list(text, f"{config.origin}, {parameter}", parameter))


def insert(config: Postconf | None, parameter: str, entry: Entry, before: Sequence[Entry] = ()) -> tuple[Entry, ...]:
    """Add an entry to the parameter's list, own users permitted and the `before` tables asked first.

    An entry that only warns is replaced where it stands; a new one goes last, but before an unconditional
    answer. Where only the recipient list keeps the relay closed, nothing that may say OK is put before its
    reject_unauth_destination: the entry goes behind it, or it is added. Classes and $names stay as written.
    """
    config = config or Postconf({}, "no configuration")
    entries = _as_written(config, parameter)
    place, entry = _place(entries, entry)
    other = _OTHER_RELAY_LIST.get(parameter)
    if other and any(map(may_permit, (entry, *before))) and not guarded(config.entries(other)):
        guard = len(before_guard(entries))
        if guard < end_of(entries) and place < guard:
            if place < len(entries) and _same(entries[place], entry):
                del entries[place]
                guard -= 1
            place = guard + 1
        elif guard >= end_of(entries):
            before = (Entry("reject_unauth_destination"), *before)
    head, tail = entries[:place], entries[place:]
    if tail and _same(tail[0], entry):
        tail[0] = entry
    else:
        tail.insert(0, entry)
    own = [Entry(name) for name in OWN if not any(earlier.name == name for earlier in head)]
    tables = [table for table in before if not any(_same(earlier, table) for earlier in head)]
    at = 1 if head and head[0].name == OWN[0] else 0
    tail = [later for later in tail if not any(_same(later, moved) for moved in (*own, *tables))]
    return (*head[:at], *own, *head[at:], *tables, *tail)


def _same(one: Entry, other: Entry) -> bool:
    return replace(one, warn=False) == replace(other, warn=False)


def _place(entries: Sequence[Entry], entry: Entry) -> tuple[int, Entry]:
    """Where an entry stands or should stand, and whether it may warn only: what is enforced stays so."""
    end = end_of(entries)
    standing = [at for at, other in enumerate(entries[:end]) if _same(other, entry)]
    enforced = [at for at in standing if not entries[at].warn]
    if enforced:
        return enforced[0], replace(entry, warn=False)
    return (standing[0] if standing else end), entry


def commands(parameter: str, entries: Sequence[Entry]) -> str:
    """One shell line that sets the list; `postconf -e` takes no line breaks."""
    return "postconf -e " + shlex.quote(f"{parameter} = {', '.join(_lines(parameter, entries))}")


def undo(config: Postconf | None, parameter: str) -> str:
    """One shell line that brings back what the configuration has: the old value, or none (postconf -X)."""
    if config is None or not config.is_set(parameter):
        return f"postconf -X {shlex.quote(parameter)}"
    old = " ".join(words(config.parameters[parameter]))
    if not old.isprintable() or "\ufffd" in old:
        raise AdvisorError(config.origin, f"{parameter} is not clean text", "keep a copy of main.cf")
    return "postconf -e " + shlex.quote(f"{parameter} = {old}".rstrip())
